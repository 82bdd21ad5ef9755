import { describe } from 'vitest';
import { run } from './run.ts';

/** For programs that work for many seconds, on a machine that is busy with other tests. */
export const PATIENCE_MILLIS = 240_000;

/** A suite that needs a program which not every machine has: it is skipped, and says so, if the call fails. */
export async function describeWith(
  what: string,
  [program, ...args]: [string, ...string[]],
  name: string,
  suite: () => void,
): Promise<void> {
  const code = await run(program, args).then(
    (ran) => ran.code,
    () => null,
  );
  if (code === 0) describe(name, suite);
  else describe.skip(`${name} (skipped: this machine lacks ${what})`, suite);
}
