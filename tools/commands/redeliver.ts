import { type Answer, type Api, callPatiently, keyIn, refusalIn, urlIn } from './api.ts';
import { needed, print, runCommand, tell, UsageError } from './command.ts';
import { CliError } from './error-message.ts';
import { localSystemIn } from './find-target.ts';

const HELP = `Has a client's webhooks delivered again that have failed for good, such as after an outage of their receiver.

  npm run redeliver -- --url URL --key KEY --status exhausted --since 2d
  npm run redeliver -- --local --status exhausted

  --url URL     the stack's output ApiUrl
  --key KEY     a key of the client whose webhooks they are, with the scope jobs:write, see npm run keys
  --status S    exhausted, gone or blocked
  --since TIME  only of jobs that were created in the last 30m, 2h or 3d; all of them, unless given
  --local       takes what is not given from the system that \`npm start\` runs on this machine
  --port N      the port of that system's API, default 8787

A host gets five webhooks a second, so they arrive for some time after this has ended. It is safe to repeat: no webhook
is redelivered twice within a minute. Prints the number of webhooks.
`;

const STATUSES = ['exhausted', 'gone', 'blocked'];
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 };
const PATIENCE_MILLIS = 300_000;

interface Begun {
  count: number;
  next_cursor: string | null;
}

async function redeliver(
  api: Api,
  asked: { webhook_status: string; created_after?: string },
): Promise<number> {
  let total = 0;
  let cursor: string | null = null;
  do {
    const body: string = JSON.stringify({ ...asked, cursor });
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    const until = performance.now() + PATIENCE_MILLIS;
    const answer: Answer<Begun> = await callPatiently<Begun>(until, api, '/v1/redeliveries', request);
    const { count, next_cursor } = answer.body ?? {};
    if (answer.status !== 202 || count === undefined) throw new CliError(refusalIn(answer));
    total += count;
    tell(`${total} begun`);
    cursor = next_cursor ?? null;
  } while (cursor !== null);
  return total;
}

function statusIn(text: string): string {
  if (STATUSES.includes(text)) return text;
  throw new UsageError(`--status must be one of ${STATUSES.join(', ')}`);
}

/** The moment so long ago. */
function momentIn(since: string): string {
  const [, number, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(since) ?? [];
  if (!number) throw new UsageError('--since must be a time such as 30m, 2h or 3d');
  return new Date(Date.now() - Number(number) * SECONDS[unit as 's'] * 1000).toISOString();
}

await runCommand({
  help: HELP,
  options: {
    url: { type: 'string' },
    key: { type: 'string' },
    status: { type: 'string' },
    since: { type: 'string' },
    local: { type: 'boolean' },
    port: { type: 'string' },
  },
  secrets: ['key'],
  async run(values) {
    const webhook_status = statusIn(needed(values.status, '--status'));
    const created_after = values.since === undefined ? undefined : momentIn(values.since);
    const running = await localSystemIn(values);
    const url = urlIn(needed(values.url ?? running?.apiUrl, '--url'));
    const key = keyIn(needed(values.key ?? running?.clientKey, '--key'));
    print(String(await redeliver({ url, key }, { webhook_status, ...(created_after && { created_after }) })));
  },
});
