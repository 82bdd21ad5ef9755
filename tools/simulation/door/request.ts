import { isObject } from '../../../functions/core/http/validation.ts';
import type { Destination } from '../../../functions/core/webhook/destination.ts';
import type { ApiRequest } from '../../../test/cloud/handlers.ts';
import { DESTINATIONS } from '../destinations.ts';

const ID = '([A-Za-z0-9_-]{1,128})';
/** By path: the methods, and what each of them is for. */
const PATHS: [RegExp, Record<string, Operation>][] = [
  [/^\/v1\/jobs$/, { POST: 'submit', GET: 'list' }],
  [new RegExp(`^/v1/jobs/${ID}$`), { GET: 'job', DELETE: 'delete' }],
  [new RegExp(`^/v1/jobs/${ID}/results$`), { GET: 'results' }],
  [new RegExp(`^/v1/jobs/${ID}/deliveries$`), { GET: 'deliveries' }],
  [new RegExp(`^/v1/jobs/${ID}/cancel$`), { POST: 'cancel' }],
  [new RegExp(`^/v1/jobs/${ID}/redeliver$`), { POST: 'redeliver' }],
  [/^\/v1\/redeliveries$/, { POST: 'redeliveries' }],
  [/^\/v1\/openapi\.json$/, { GET: 'open' }],
  [/^\/v1\/health$/, { GET: 'open' }],
];

export type Operation =
  | 'submit'
  | 'list'
  | 'job'
  | 'results'
  | 'deliveries'
  | 'cancel'
  | 'redeliver'
  | 'redeliveries'
  | 'delete'
  | 'open';

export interface Routed {
  operation: Operation | null;
  jobId: string;
  /** Of a path that is there, but not for this method. */
  allow: string;
}

export function routeOf({ method, path }: ApiRequest): Routed {
  const bare = path.split('?')[0] ?? '';
  for (const [pattern, methods] of PATHS) {
    const match = pattern.exec(bare);
    if (match === null) continue;
    const operation = methods[method === 'HEAD' ? 'GET' : method] ?? null;
    const allowed = Object.keys(methods).map((name) => (name === 'GET' ? 'GET, HEAD' : name));
    return { operation, jobId: match[1] ?? '', allow: operation ? '' : allowed.join(', ') };
  }
  return { operation: null, jobId: '', allow: '' };
}

export function queryOf({ path }: ApiRequest): URLSearchParams {
  return new URLSearchParams(path.split('?')[1] ?? '');
}

/** What a job is to be like, its defaults filled in. */
export interface Wanted {
  model_id: string;
  messages: { role: string; content: string }[][];
  temperature: number;
  max_tokens: number;
  expires_in: number;
  metadata: Record<string, string>;
  /** Undefined: the default's. */
  webhook_url?: string | null;
  destination?: string;
}

const DEFAULTS = { temperature: 0.7, max_tokens: 512, expires_in: 86_400, metadata: {} };
const FIELDS = ['model_id', 'messages', 'webhook_url', 'destination', ...Object.keys(DEFAULTS)];

/** What is wrong with a submission, by the contract's order; or what it asks for. Of all that may be wrong, what the apps here do. */
export function readWanted(
  { headers, body }: ApiRequest,
  client: string,
): { code: string; isOfKey: boolean } | Wanted {
  const isJson = /^application\/json(; ?charset="?utf-?8"?)?$/i.test(headers['content-type'] ?? '');
  const isEncoded = (headers['content-encoding'] ?? 'identity') !== 'identity';
  if (!isJson || isEncoded) return { code: 'unsupported_media_type', isOfKey: false };
  const key = headers['idempotency-key'];
  const isKey = key === undefined || (/^[!-~]{1,255}$/.test(key) && !key.includes(','));
  const wanted = parsed(body);
  if (wanted === null) return { code: 'invalid_request', isOfKey: false };
  return isKey && isWanted(wanted, client) ? wanted : { code: 'invalid_request', isOfKey: !isKey };
}

function parsed(body: string): Wanted | null {
  try {
    const value = JSON.parse(body);
    if (!isObject(value)) return {} as Wanted;
    const given = Object.entries(value).filter(([name, each]) => each !== null || name === 'webhook_url');
    return { ...DEFAULTS, ...Object.fromEntries(given) } as Wanted;
  } catch {
    return null;
  }
}

function isWanted(wanted: Wanted, client: string): boolean {
  const { model_id, messages, temperature, max_tokens, expires_in, webhook_url = null, destination } = wanted;
  const isTheirs = ({ name, clients }: Destination) => name === destination && clients.includes(client);
  const isWhole = (value: number, low: number, high: number) =>
    Number.isSafeInteger(value) && value >= low && value <= high;
  return (
    Object.keys(wanted).every((name) => FIELDS.includes(name)) &&
    typeof model_id === 'string' &&
    Array.isArray(messages) &&
    messages.length >= 1 &&
    messages.every((conversation) => Array.isArray(conversation) && conversation.length >= 1) &&
    typeof temperature === 'number' &&
    temperature >= 0 &&
    temperature <= 1 &&
    isWhole(max_tokens, 1, Number.MAX_SAFE_INTEGER) &&
    isWhole(expires_in, 60, 604_800) &&
    (webhook_url === null || /^https:\/\/[a-z.]+\//.test(webhook_url)) &&
    (destination === undefined || (webhook_url === null && DESTINATIONS.some(isTheirs)))
  );
}

/** The same text for each request that is the same. */
export function canonical(wanted: Wanted): string {
  const { model_id, messages, temperature, max_tokens, expires_in, metadata, webhook_url, destination } =
    wanted;
  const plain = messages.map((each) => each.map(({ role, content }) => [role, content]));
  const url = webhook_url === undefined ? ['default'] : [webhook_url];
  return JSON.stringify([
    model_id,
    plain,
    temperature,
    max_tokens,
    expires_in,
    Object.entries(metadata).sort(),
    url,
    destination,
  ]);
}
