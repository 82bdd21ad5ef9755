import { LONGEST_JOB_SECONDS } from '../../functions/core/limits.ts';
import { parseArguments } from '../commands/arguments.ts';

export const HELP = `Runs the whole system on this machine: no AWS account, no Docker, no ModelStudio key.

  npm start -- [--once] [--json] [--port N] [--strict-webhooks]

  --once             exit 0 after the sample's verified webhook, non-zero if it does not come
  --json             one line of JSON on stdout when ready, all else on stderr; no sample is submitted
  --port N           port of the API on 127.0.0.1, default 8787; 0 = any free one
  --strict-webhooks  the deployed webhook URL rules; without it, loopback receivers over http are allowed, of which the
                     sample's is one: with it, none is submitted
  --help             this text

Environment
  MODELSTUDIO_BASE_URL, MODELSTUDIO_ORGANIZATION_ID, MODELSTUDIO_API_KEY
                     use this upstream instead of the sandbox
  WEBHOOK_RETRY_SCHEDULE_SECONDS
                     the waits before each delivery attempt, e.g. 0,1,2
  QUEUE_FOR_SECONDS, ALLOW_RESUBMIT, JOBS_AT_ONCE, PARTS_AT_ONCE, CONVERSATIONS_PER_CREATE, BYTES_PER_CREATE
                     the settings queueForSeconds, allowResubmit, jobsAtOnce, partsAtOnce, conversationsPerCreate and
                     bytesPerCreate
  DESTINATIONS       the setting destinations, as JSON: a queue is made in the local SQS, a bus is shown in the console
`;

export interface Flags {
  once: boolean;
  json: boolean;
  port: number;
  strictWebhooks: boolean;
  help: boolean;
}

/** @throws an Error whose message says which flag is wrong */
export function parseFlags(args: string[]): Flags {
  const { values } = parseArguments({
    args,
    options: {
      once: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      port: { type: 'string', default: '8787' },
      'strict-webhooks': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) {
    throw new Error('--port must be a whole number from 0 to 65535');
  }
  if (values.json && values.once) throw new Error('--json submits no sample, so --once cannot wait for one');
  const { once, json, help, 'strict-webhooks': strictWebhooks } = values;
  if (strictWebhooks && once)
    throw new Error(
      '--strict-webhooks refuses the sample, whose receiver is on this machine, so --once cannot wait for it',
    );
  return { once, json, help, port, strictWebhooks };
}

const UPSTREAM = ['MODELSTUDIO_BASE_URL', 'MODELSTUDIO_ORGANIZATION_ID', 'MODELSTUDIO_API_KEY'] as const;

export interface Upstream {
  baseUrl: string;
  organizationId: string;
  apiKey: string;
  modelIds: string[];
}

/**
 * The upstream that the environment names; null when it names none.
 * @throws when it names only a part of one
 */
export function upstreamIn(env: NodeJS.ProcessEnv): Upstream | null {
  const [baseUrl, organizationId, apiKey] = UPSTREAM.map((name) => env[name]?.trim());
  if (!baseUrl && !organizationId && !apiKey) return null;
  const missing = UPSTREAM.filter((name) => !env[name]?.trim());
  if (!baseUrl || !organizationId || !apiKey) {
    throw new Error(`To use an upstream of your own, set ${missing.join(' and ')}, too`);
  }
  if (!/^https?:\/\/[^?#@\\]+$/.test(baseUrl) || !URL.canParse(baseUrl)) {
    throw new Error('MODELSTUDIO_BASE_URL must be an http(s) URL without user name, query or fragment');
  }
  return { baseUrl, organizationId, apiKey, modelIds: [] };
}

/** Settings of the deployment that the environment may give instead, and what each must be. */
const SETTINGS: Record<string, [pattern: RegExp, kind: string, most?: number]> = {
  WEBHOOK_RETRY_SCHEDULE_SECONDS: [
    /^\d{1,6}(\.\d{1,3})?( *, *\d{1,6}(\.\d{1,3})?)*$/,
    'a list of seconds such as 0,1,2',
  ],
  QUEUE_FOR_SECONDS: [
    /^\d{1,6}$/,
    `a whole number of seconds up to ${LONGEST_JOB_SECONDS}, 0 to queue no jobs`,
    LONGEST_JOB_SECONDS,
  ],
  ALLOW_RESUBMIT: [/^(true|false)$/, 'true or false'],
  JOBS_AT_ONCE: [/^([1-9]\d{0,2}|1000)$/, 'a whole number from 1 to 1000'],
  PARTS_AT_ONCE: [/^([1-9]\d?|100)$/, 'a whole number from 1 to 100'],
  CONVERSATIONS_PER_CREATE: [/^([1-9]\d{0,2}|1000)$/, 'a whole number from 1 to 1000'],
  BYTES_PER_CREATE: [/^[1-9]\d{0,7}$/, 'a whole number of bytes'],
  DESTINATIONS: [/^\[[\s\S]*\]$/, 'a list in JSON as docs/destinations.md has it'],
};

/** @throws when one of them is something else */
export function settingsIn(env: NodeJS.ProcessEnv): Record<string, string> {
  const given = Object.keys(SETTINGS).flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name].trim()]],
  );
  for (const [name = '', text = ''] of given) {
    const [pattern, kind, most = Number.POSITIVE_INFINITY] = SETTINGS[name] ?? [];
    if (!pattern?.test(text) || Number(text) > most) throw new Error(`${name} must be ${kind}`);
  }
  return Object.fromEntries(given);
}
