import { expect, it } from 'vitest';
import { waitForBoth } from '../../functions/wait-for-both.ts';

it('two tasks that run together give the results of both', async () => {
  expect(await waitForBoth(Promise.resolve(1), Promise.resolve('b'))).toEqual([1, 'b']);
});

it('two tasks that run together fail only when both have ended', async () => {
  const other = Promise.withResolvers<void>();
  let isOver = false;
  const both = waitForBoth(Promise.reject(new Error('failed')), other.promise).finally(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  other.resolve();
  await expect(both).rejects.toThrow('failed');
});
