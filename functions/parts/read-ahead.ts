/** So many reads at once are as fast as it gets. Of parts' results that an answer has room for, they hold at most 64 MiB. */
export const AHEAD_MAX = 16;

/**
 * Reads what comes next while the last is being used, in their order.
 * @param weightOf with all that is in memory, none is begun that makes it more than AHEAD_MAX; one that weighs more is alone
 */
export async function* readAhead<T, R>(
  items: readonly T[],
  read: (item: T) => Promise<R>,
  weightOf: (item: T) => number = () => 1,
): AsyncGenerator<R> {
  const left = items[Symbol.iterator]();
  const held: { weight: number; reading: Promise<R> }[] = [];
  let [weight, next] = [0, left.next()];
  try {
    for (;;) {
      while (!next.done) {
        const more = weightOf(next.value);
        if (held.length > 0 && weight + more > AHEAD_MAX) break;
        const reading = read(next.value);
        // It is waited for when its turn comes.
        reading.catch(() => undefined);
        held.push({ weight: more, reading });
        [weight, next] = [weight + more, left.next()];
      }
      const [first] = held;
      if (first === undefined) return;
      yield await first.reading;
      held.shift();
      weight -= first.weight;
    }
  } finally {
    // Work that goes on after a function's answer is frozen or lost.
    await Promise.allSettled(held.map(({ reading }) => reading));
  }
}

export async function readAll<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const found: R[] = [];
  for await (const each of readAhead(items, read)) found.push(each);
  return found;
}
