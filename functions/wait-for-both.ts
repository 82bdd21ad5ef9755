/** Like Promise.all, but waits for all even if one fails: work that goes on after a function's answer is frozen or lost. */
export async function waitForBoth<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}
