import { expect, it } from 'vitest';
import { waitForAll } from '../../functions/wait-for-all.ts';

it('two tasks that run together give the results of both', async () => {
  expect(await waitForAll([Promise.resolve(1), Promise.resolve('b')])).toEqual([1, 'b']);
});

it('two tasks that run together fail only when both have ended', async () => {
  const other = Promise.withResolvers<void>();
  let isOver = false;
  const both = waitForAll([Promise.reject(new Error('failed')), other.promise]).finally(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  other.resolve();
  await expect(both).rejects.toThrow('failed');
});
