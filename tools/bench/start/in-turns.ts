/**
 * Does each in turns, so that whatever else the machine does falls upon all alike.
 * @returns for each of them, what each round gave
 */
export function inTurns<T>(all: readonly (() => T)[], rounds: number): T[][] {
  const given: T[][] = all.map(() => []);
  const indices = [...all.keys()];
  for (let round = 0; round < rounds; round++) {
    const first = round % indices.length;
    const turned = [...indices.slice(first), ...indices.slice(0, first)];
    for (const index of round % 2 === 0 ? turned : turned.reverse()) {
      const each = all[index];
      if (each) given[index]?.push(each());
    }
  }
  return given;
}

export function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
