import { redacted } from '../../functions/core/redact.ts';
import { print, runCommand } from './command.ts';
import { runChecks } from './doctor/run-checks.ts';
import { CliError } from './error-message.ts';
import { TARGET_HELP, targetOptions, targetRefIn } from './find-target.ts';

const HELP = `Checks that everything is in place, and says what to do where it is not.

  npm run doctor
  npm run doctor -- --local

${TARGET_HELP}

It changes nothing, creates no job, and shows no secret. Fails when a check does.
`;

const MARKS = { ok: '✓', failed: '✗', skipped: '-' } as const;
const TITLE_WIDTH = 20;

const say = (line: string) => print(redacted(line));

await runCommand({
  help: HELP,
  options: targetOptions,
  async run(values) {
    let failures = 0;
    for await (const { title, result } of runChecks(targetRefIn(values))) {
      say(`${MARKS[result.state]} ${title.padEnd(TITLE_WIDTH)} ${result.words}`);
      if (result.state !== 'failed') continue;
      failures += 1;
      say(`  ${' '.repeat(TITLE_WIDTH)} → ${result.fix}`);
    }
    if (failures > 0) throw new CliError(failures === 1 ? 'One check failed.' : `${failures} checks failed.`);
  },
});
