import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { CREATE_DEADLINE_MILLIS } from '../core/limits.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Submission } from '../core/submission.ts';
import { readCreation, readReport } from '../core/upstream.ts';
import type { Clock, ModelStudio } from '../ports.ts';
import { type ExchangeRequest, exchange as exchangeOverHttp } from './exchange.ts';

const CREATED_MAX_BYTES = 64 * 1024;

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

/** ModelStudio's API. Answers are parsed, not trusted; whatever goes wrong becomes one of the named outcomes. */
export function createModelStudio(settings: ModelStudioSettings): ModelStudio {
  const { apiKey, clock, exchange = exchangeOverHttp } = settings;
  const generate = generateUrl(settings);
  const agent = generate.startsWith('https:')
    ? new HttpsAgent({ keepAlive: true })
    : new HttpAgent({ keepAlive: true });

  /** A key that was rotated costs one more call, no job: a 401 says that nothing was done. */
  async function call(request: Omit<ExchangeRequest, 'headers'>): Promise<Outcome> {
    const until = clock.now() + request.deadlineMillis;
    const send = async (isStale: boolean) => {
      const key = await apiKey.get(isStale);
      const deadlineMillis = Math.max(1, until - clock.now());
      return /^[!-~]+$/.test(key)
        ? exchange({ ...request, deadlineMillis, headers: headers(key) })
        : KEY_REFUSED;
    };
    const outcome = await send(false);
    const isRefused = outcome.kind === 'answered' && outcome.status === 401;
    return isRefused ? send(true) : outcome;
  }

  return {
    // On a connection of its own: one that was kept alive may be dead already, and then nobody could tell
    // whether the request had arrived.
    async create(submission) {
      const outcome = await call({
        method: 'POST',
        url: new URL(generate),
        body: requestBody(submission),
        deadlineMillis: CREATE_DEADLINE_MILLIS,
        maxBytes: CREATED_MAX_BYTES,
      });
      const creation = readCreation(outcome, clock.now());
      if (creation.kind !== 'invalid' || outcome.kind !== 'answered') return creation;
      // Looked for in the whole answer, as the sentence may have been cut within the key.
      const isTelling = outcome.body.includes(await apiKey.get(false));
      return isTelling ? { ...creation, sentence: null } : creation;
    },

    async report(upstreamJobId, limits) {
      const request = { method: 'GET', url: jobUrl(settings, upstreamJobId), ...limits } as const;
      const until = clock.now() + request.deadlineMillis;
      const outcome = await call({ ...request, agent });
      // The connection that was kept alive may have been dead: asked again on one of its own.
      const isDeadConnection = outcome.kind === 'cut' && outcome.code === 'ECONNRESET';
      const again = { ...request, deadlineMillis: Math.max(1, until - clock.now()) };
      return readReport(isDeadConnection ? await call(again) : outcome, upstreamJobId, clock.now());
    },
  };
}

/** A key that cannot even be sent is as wrong as one that is refused. */
const KEY_REFUSED: Outcome = {
  kind: 'answered',
  status: 401,
  headers: {},
  body: Buffer.alloc(0),
  isTruncated: false,
};

function generateUrl({ baseUrl, organizationId }: Account): string {
  const organizations = `${baseUrl.replace(/\/+$/, '')}/api/v1/organizations`;
  return `${organizations}/${encodeURIComponent(organizationId)}/generate`;
}

/** Where a job is asked about. */
export function jobUrl(account: Account, upstreamJobId: string): URL {
  return new URL(`${generateUrl(account)}/${encodeURIComponent(upstreamJobId)}`);
}

export function headers(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json', accept: 'application/json' };
}

function requestBody({ model_id, messages, temperature, max_tokens }: Submission): string {
  return JSON.stringify({ model_id, messages, temperature, max_tokens });
}
