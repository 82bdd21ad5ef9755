/** Like Promise.all, but ends when all have: what still runs when a function has answered is frozen with it, or lost. */
export async function waitForBoth<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}
