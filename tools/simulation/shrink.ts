import type { Run, simulate } from './simulate.ts';

/**
 * The same seed with the fewest faults with which it still breaks the same invariant: of those that are left, none can
 * be left out (ddmin, by halves, quarters and so on).
 */
export async function shrink(failed: Run, run: typeof simulate): Promise<Run> {
  const invariant = invariantOf(failed);
  let smallest = failed;
  /** Whether it fails with these alone; then those that it has met are all that is left. */
  const failsWith = async (ids: string[]) => {
    const tried = await run(failed.seed, { only: new Set(ids) });
    if (invariantOf(tried) !== invariant) return false;
    smallest = tried;
    return true;
  };
  const left = () => smallest.faults.map(({ id }) => id);
  if (await failsWith([])) return smallest;
  for (let parts = 2; left().length > 1; ) {
    const size = Math.ceil(left().length / parts);
    const chunks = Array.from({ length: parts }, (_, i) => left().slice(i * size, (i + 1) * size));
    const candidates = [...(parts === 2 ? chunks : []), ...chunks.map((chunk) => without(left(), chunk))];
    if (await isAny(candidates, failsWith)) parts = Math.max(2, Math.min(parts - 1, left().length));
    else if (size === 1) break;
    else parts = Math.min(2 * parts, left().length);
  }
  return smallest;
}

function invariantOf({ violation }: Run): string | undefined {
  return violation?.split(':')[0];
}

function without(ids: string[], chunk: string[]): string[] {
  return ids.filter((id) => !chunk.includes(id));
}

async function isAny<T>(candidates: T[], holds: (candidate: T) => Promise<boolean>): Promise<boolean> {
  for (const candidate of candidates) if (await holds(candidate)) return true;
  return false;
}
