import { redacted } from '../../../functions/core/redact.ts';
import { CliError } from '../error-message.ts';
import type { TargetRef } from '../find-target.ts';
import { runChecks } from './run-checks.ts';

const MARKS = { ok: '✓', failed: '✗', skipped: '-' } as const;
const TITLE_WIDTH = 20;

/**
 * Prints a line without secrets for each check as soon as it is made, and below it what to do if it failed.
 * @throws a CliError when a check has failed
 */
export async function report(ref: TargetRef, print: (line: string) => void): Promise<void> {
  const say = (line: string) => print(redacted(line));
  let failures = 0;
  for await (const { title, result } of runChecks(ref)) {
    say(`${MARKS[result.state]} ${title.padEnd(TITLE_WIDTH)} ${result.words}`);
    if (result.state !== 'failed') continue;
    failures += 1;
    say(`  ${' '.repeat(TITLE_WIDTH)} → ${result.fix}`);
  }
  if (failures > 0) throw new CliError(failures === 1 ? 'One check failed.' : `${failures} checks failed.`);
}
