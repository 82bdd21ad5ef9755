/** Like Promise.all, but waits for all even if one fails: work that goes on after a function's answer is frozen or lost. */
export async function waitForAll<T extends readonly Promise<unknown>[] | []>(work: T) {
  await Promise.allSettled(work);
  return Promise.all(work);
}
