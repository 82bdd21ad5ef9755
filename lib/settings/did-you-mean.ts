/** A name with more wrong letters than this is not a typo. */
const SLIPS_MAX = 3;

/** The name that was probably meant, or undefined. Case, hyphens and underscores do not count. */
export function didYouMean(name: string, names: readonly string[]): string | undefined {
  const judged = names.map((candidate) => ({ candidate, slips: distance(plain(name), plain(candidate)) }));
  const [best] = judged.sort((a, b) => a.slips - b.slips);
  return best && best.slips <= Math.min(SLIPS_MAX, name.length / 3) ? best.candidate : undefined;
}

const plain = (name: string) => name.toLowerCase().replaceAll(/[-_]/g, '');

/** The Levenshtein distance: how many letters to insert, delete or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...to].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
