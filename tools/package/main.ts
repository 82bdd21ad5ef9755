#!/usr/bin/env node
import { redactedInput } from '../../functions/core/redact.ts';

/** Each is a program of its own, which reads what follows its name on the command line. */
const COMMANDS: Record<string, [what: string, run: () => Promise<unknown>]> = {
  init: ['writes an app that deploys it', async () => (await import('./init.ts')).run(process.argv.slice(2))],
  start: ['runs the whole system on this machine', () => import('./start.ts')],
  sandbox: ["runs ModelStudio's sandbox alone", () => import('../local/sandbox/main.ts')],
  keys: ['makes, lists and revokes the keys of client apps', () => import('../commands/keys.ts')],
  doctor: ['says what is missing in a deployment', () => import('../commands/doctor.ts')],
  smoke: ['proves a deployment with one real job', () => import('../commands/smoke.ts')],
  submit: ['submits a file as one large job', () => import('../commands/submit.ts')],
  snippet: ['prints code that calls the API', () => import('../snippets/main.ts')],
  queue: ['shows, pauses and resumes the queue', () => import('../commands/queue.ts')],
  redeliver: ['redelivers webhooks after an outage', () => import('../commands/redeliver.ts')],
  redrive: ['takes messages out of the dead-letter queues', () => import('../commands/redrive.ts')],
  usage: ['counts jobs by client', () => import('../commands/usage.ts')],
};

const rows = Object.entries(COMMANDS).map(([name, [what]]) => `  ${name.padEnd(10)} ${what}`);
const HELP = `modelstudio-jobs COMMAND [--help]

${rows.join('\n')}

In an app that init has written, \`npm run COMMAND -- …\` is the same.
`;

const [name = '--help'] = process.argv.splice(2, 1);
if (Object.hasOwn(COMMANDS, name)) await COMMANDS[name]?.[1]();
else if (name === '--help' || name === '-h') process.stdout.write(HELP);
else {
  process.stderr.write(`There is no command ${redactedInput(name)}.\n\n${HELP}`);
  process.exitCode = 2;
}
