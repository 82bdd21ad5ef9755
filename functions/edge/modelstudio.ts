import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { HttpOutcome } from '../core/http/http-outcome.ts';
import { CREATE_DEADLINE_MILLIS } from '../core/limits.ts';
import { type Traced, traceparentOf } from '../core/trace.ts';
import { readCreation, readReport } from '../core/upstream/read-answer.ts';
import type { Clock, ModelStudio } from '../ports.ts';
import { type ExchangeRequest, exchange as exchangeOverHttp } from './exchange.ts';
import { USER_AGENT } from './user-agent.ts';

/** Some services answer a create with results. */
const CREATED_MAX_BYTES = 2 * 1024 * 1024;

/** With less time left than this, no request is begun. */
const SEND_MIN_MILLIS = 1000;

export interface Account {
  baseUrl: string;
  organizationId: string;
}

export interface ModelStudioSettings extends Account {
  apiKey: ApiKey;
  clock: Clock;
  exchange?: typeof exchangeOverHttp;
}

export interface ApiKey {
  /** From memory, unless `isStale`. */
  get(isStale: boolean): Promise<string>;
}

/** ModelStudio's API. Answers are parsed, not trusted; every failure becomes one of the named outcomes. */
export function createModelStudio(settings: ModelStudioSettings): ModelStudio {
  const { apiKey, clock, exchange = exchangeOverHttp } = settings;
  const generate = generateUrl(settings);
  const Agent = generate.startsWith('https:') ? HttpsAgent : HttpAgent;
  const agent = new Agent({ keepAlive: true });

  /** A rotated key costs one more call, and no job: a 401 says that nothing was done. */
  async function call(job: Traced, request: Omit<ExchangeRequest, 'headers'>) {
    const until = clock.now() + request.deadlineMillis;
    const send = async (isStale: boolean) => {
      const key = await apiKey.get(isStale);
      const deadlineMillis = until - clock.now();
      // If it were sent with too little time, nobody would know its outcome.
      if (deadlineMillis < SEND_MIN_MILLIS) return null;
      const traceparent = traceparentOf(job, clock.now());
      const isSendable = /^[!-~]+$/.test(key);
      const outcome = isSendable
        ? await exchange({ ...request, deadlineMillis, headers: { ...headers(key), traceparent } })
        : KEY_REFUSED;
      return { outcome: decoded(outcome, request.maxBytes), context: { apiKey: key, now: clock.now() } };
    };
    const answer = await send(false);
    if (answer === null) throw new Error('The key was read too late to be used');
    const isRefused = answer.outcome.kind === 'answered' && answer.outcome.status === 401;
    return (isRefused && (await send(true))) || answer;
  }

  return {
    // On a new connection: one that was kept alive may be dead, and nobody would know whether the request has arrived.
    async create({ model_id, messages, temperature, max_tokens }, job) {
      const { outcome, context } = await call(job, {
        method: 'POST',
        url: new URL(generate),
        body: JSON.stringify({ model_id, messages, temperature, max_tokens }),
        deadlineMillis: CREATE_DEADLINE_MILLIS,
        maxBytes: CREATED_MAX_BYTES,
      });
      return readCreation(outcome, context);
    },

    async report(job, limits) {
      const request = { method: 'GET', url: jobUrl(settings, job.upstreamJobId), ...limits } as const;
      const until = clock.now() + request.deadlineMillis;
      const kept = await call(job, { ...request, agent });
      // The connection that was kept alive may have been dead, so this asks again on a new one.
      const isDeadConnection = kept.outcome.kind === 'cut' && DEAD_CODES.includes(kept.outcome.code);
      const deadlineMillis = until - clock.now();
      const mayRepeat = isDeadConnection && deadlineMillis >= SEND_MIN_MILLIS;
      const { outcome, context } = mayRepeat ? await call(job, { ...request, deadlineMillis }) : kept;
      return readReport(outcome, job, context);
    },
  };
}

/** Of a connection that the other side has closed: by what it answers to a request, and by that it was closed. */
const DEAD_CODES = ['ECONNRESET', 'EPIPE'];

/** A key that cannot even be sent is treated like one that is refused. */
const KEY_REFUSED: HttpOutcome = {
  kind: 'answered',
  status: 401,
  headers: {},
  body: Buffer.alloc(0),
  isTruncated: false,
};

/** Gzip is recognized by its first bytes; `deflate` comes with or without a header of its own. */
function decoderOf(body: Buffer, encoding = '') {
  if (body[0] === 0x1f && body[1] === 0x8b) return gunzipSync;
  if (/^deflate$/i.test(encoding)) return ((body[0] ?? 0) & 0xf) === 8 ? inflateSync : inflateRawSync;
  return /^br$/i.test(encoding) ? brotliDecompressSync : null;
}

/** No compression was requested, but some servers compress anyway, and some do not say so. */
function decoded(outcome: HttpOutcome, maxOutputLength: number): HttpOutcome {
  if (outcome.kind !== 'answered') return outcome;
  const decode = decoderOf(outcome.body, outcome.headers['content-encoding']?.trim());
  if (decode === null || outcome.isTruncated) return outcome;
  try {
    return { ...outcome, body: decode(outcome.body, { maxOutputLength }) };
  } catch (error) {
    const isTruncated = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return { ...outcome, isTruncated };
  }
}

/** Some operators write the base URL with the path that both of ModelStudio's public pages show. */
function generateUrl({ baseUrl, organizationId }: Account): string {
  const organizations = `${baseUrl.replace(/\/+$/, '').replace(/\/api\/v1$/, '')}/api/v1/organizations`;
  return `${organizations}/${encodeURIComponent(organizationId)}/generate`;
}

export function jobUrl(account: Account, upstreamJobId: string): URL {
  return new URL(`${generateUrl(account)}/${encodeURIComponent(upstreamJobId)}`);
}

export function headers(key: string): Record<string, string> {
  return {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': USER_AGENT,
  };
}
