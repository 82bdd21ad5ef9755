import { redacted } from '../../functions/core/redact.ts';
import { print, runCommand } from './command.ts';
import { examine } from './doctor/examine.ts';
import { placeIn, TARGET_HELP, targetOptions } from './find-target.ts';
import { Failure } from './sentence.ts';

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
    for await (const { title, verdict } of examine(placeIn(values))) {
      say(`${MARKS[verdict.state]} ${title.padEnd(TITLE_WIDTH)} ${verdict.words}`);
      if (verdict.state !== 'failed') continue;
      failures += 1;
      say(`  ${' '.repeat(TITLE_WIDTH)} → ${verdict.remedy}`);
    }
    if (failures > 0) throw new Failure(failures === 1 ? 'One check failed.' : `${failures} checks failed.`);
  },
});
