import type { HttpOutcome } from '../../../../../functions/core/http/http-outcome.ts';
import type { CreateResult } from '../../../../../functions/core/upstream/create-result.ts';
import { type ExchangeRequest, exchange } from '../../../../../functions/edge/exchange.ts';
import type { Clock, ModelStudio } from '../../../../../functions/ports.ts';
import type { Generation } from '../core/http/generation-request.ts';
import { type ReadingContext, readCreation, readReport } from '../core/upstream/read-answer.ts';

const CREATE_DEADLINE_MILLIS = 20_000;
const CREATED_MAX_BYTES = 64 * 1024;

export interface Account {
  baseUrl: string;
}

export interface ModelStudioSettings extends Account {
  apiKey: ApiKey;
  clock: Clock;
}

interface Answer {
  outcome: HttpOutcome;
  context: ReadingContext;
}

export interface ApiKey {
  get(isStale: boolean): Promise<string>;
}

/** The port; edited in place, `ModelStudio` says it all, as its `Submission` is then made of these fields. */
type Client = Pick<ModelStudio, 'report'> & { create(prediction: Generation): Promise<CreateResult> };

/** The API of predictions: one prompt, one output. Every call has a connection of its own. */
export function createModelStudio(settings: ModelStudioSettings): Client {
  const { apiKey, clock } = settings;

  /** A 401 says that nothing was done, so a key that was rotated costs one more call. */
  async function call(request: Omit<ExchangeRequest, 'headers'>): Promise<Answer> {
    const until = clock.now() + request.deadlineMillis;
    const send = async (isStale: boolean) => {
      const key = await apiKey.get(isStale);
      const deadlineMillis = Math.max(1, until - clock.now());
      const outcome = await exchange({ ...request, deadlineMillis, headers: headers(key) });
      return { outcome, context: { apiKey: key, now: clock.now() } };
    };
    const answer = await send(false);
    return answer.outcome.kind === 'answered' && answer.outcome.status === 401 ? send(true) : answer;
  }

  return {
    async create({ model, input }) {
      const { outcome, context } = await call({
        method: 'POST',
        url: predictionsUrl(settings),
        body: JSON.stringify({ model, input }),
        deadlineMillis: CREATE_DEADLINE_MILLIS,
        maxBytes: CREATED_MAX_BYTES,
      });
      return readCreation(outcome, context);
    },

    async report({ upstreamJobId }, limits) {
      const { outcome } = await call({ method: 'GET', url: jobUrl(settings, upstreamJobId), ...limits });
      return readReport(outcome, upstreamJobId, clock.now());
    },
  };
}

function predictionsUrl({ baseUrl }: Account): URL {
  return new URL(`${baseUrl.replace(/\/+$/, '')}/v1/predictions`);
}

export function jobUrl(account: Account, upstreamJobId: string): URL {
  return new URL(`${predictionsUrl(account)}/${encodeURIComponent(upstreamJobId)}`);
}

export function headers(key: string): Record<string, string> {
  return { authorization: `Token ${key}`, 'content-type': 'application/json' };
}
