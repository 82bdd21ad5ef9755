import { redacted, redactedInput } from '../../functions/core/redact.ts';
import { type Flags, HELP, parseFlags } from './flags.ts';
import { narrate, parseLogLine } from './narrate.ts';
import { onParentEnd } from './parent.ts';
import { runSample } from './sample.ts';
import { publicLine, type System, startSystem } from './system.ts';

const startedAt = Date.now();
const GRACE_MILLIS = 1500;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function warn(text: string): void {
  process.stderr.write(`${redacted(text)}\n`);
}

function stamped(text: string): string {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  return `${seconds.padStart(6)} s  ${text}`;
}

function welcome({ stack, upstream, console }: System): string {
  return `
  API          ${stack.apiUrl}
  console      ${console.url}
  webhooks to  ${console.inboxUrl}
  ModelStudio  ${upstream.baseUrl}
`;
}

function tryIt(
  { stack, console, keys, upstream, webhookSecrets }: System,
  { strictWebhooks }: Flags,
): string {
  const model = upstream.modelIds[0] ?? 'YOUR_MODEL';
  const webhookUrl = strictWebhooks ? 'https://YOUR_RECEIVER' : console.inboxUrl;
  const body = `{"model_id":"${model}","messages":[[{"role":"user","content":"Hello"}]],"webhook_url":"${webhookUrl}"}`;
  return `
Your turn:

  curl -s ${stack.apiUrl}/v1/jobs \\
    -H 'Authorization: Bearer ${keys.clientKeys[0]}' -H 'Content-Type: application/json' \\
    -d '${body}'

A receiver of your own checks signatures with the secret of this key's client:

  WEBHOOK_SECRET=${webhookSecrets[0]}

Ctrl-C ends it.`;
}

async function sample(system: System, { once }: Flags): Promise<boolean> {
  try {
    const { body } = await runSample(system);
    const { type, data } = JSON.parse(body);
    say(stamped(`webhook ${type}, signature verified`));
    for (const task of data.results ?? [])
      say(`            ${task.task_index}: ${JSON.stringify(task.result)}`);
    return true;
  } catch (error) {
    (once ? warn : say)(stamped((error as Error).message));
    return false;
  }
}

function reasonOf(error: unknown, { port }: Flags): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' ? `port ${port} is in use; choose another with --port` : message;
}

async function main(): Promise<void> {
  let flags: Flags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    warn(`${redactedInput((error as Error).message)}\nTry --help.`);
    process.exit(2);
  }
  if (flags.help) return say(HELP);

  let system: System | null = null;
  let isEnding = false;
  const end = async (code: number): Promise<never> => {
    isEnding = true;
    // Nothing here is to be saved: what has not closed by then is left to the operating system.
    setTimeout(() => process.exit(code), GRACE_MILLIS).unref();
    await system?.close();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end(flags.once ? 1 : 0));
  if (process.env['npm_lifecycle_event'] !== undefined) onParentEnd(() => void end(0));

  const show = flags.json ? warn : say;
  const onLog = (line: string) => {
    if (isEnding) return;
    const parsed = parseLogLine(line);
    if (!parsed) return;
    system?.console.tell(parsed);
    show(stamped(narrate(parsed)));
  };
  try {
    system = await startSystem(flags, onLog);
  } catch (error) {
    warn(`The local system could not start: ${reasonOf(error, flags)}`);
    return end(1);
  }
  for (const warning of system.stack.warnings) warn(warning);
  if (flags.json) return say(JSON.stringify(publicLine(system)));
  say(stamped(`ready${welcome(system)}`));
  const isDelivered = !flags.strictWebhooks && (await sample(system, flags));
  if (flags.once) return end(isDelivered ? 0 : 1);
  say(tryIt(system, flags));
}

await main();
