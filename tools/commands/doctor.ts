import { print, runCommand } from './command.ts';
import { report } from './doctor/report.ts';
import { TARGET_HELP, targetOptions, targetRefIn } from './find-target.ts';

const HELP = `Checks that everything is in place, and says what to do where it is not.

  npm run doctor
  npm run doctor -- --local

${TARGET_HELP}

It changes nothing, creates no job, and shows no secret. Fails when a check does.
`;

await runCommand({
  help: HELP,
  options: targetOptions,
  run: (values) => report(targetRefIn(values), print),
});
