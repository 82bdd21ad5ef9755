import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { Millis } from '../../../functions/core/job.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import type { Ledger } from './ledger.ts';
import { prose } from './prose.ts';

/** ModelStudio and the webhooks' receivers, as far as a load needs them: each answers at once and well. */
export class Outside {
  readonly #ledger: Ledger;
  readonly #resultCharacters: number;
  /** Told of each webhook that has arrived, which may not be the first. */
  onWebhook: (index: number, body: string) => void = () => undefined;

  constructor(ledger: Ledger, resultCharacters: number) {
    this.#ledger = ledger;
    this.#resultCharacters = resultCharacters;
  }

  answer({ method, url, body = '' }: ExchangeRequest, now: Millis): HttpOutcome {
    if (url.hostname !== 'api.modelstudio.app') return this.#receive(body, now);
    return method === 'POST' ? this.#create(body, now) : this.#report(url, now);
  }

  #create(body: string, now: Millis): HttpOutcome {
    const index = indexIn(body, 'job-');
    this.#ledger.created(index, now);
    const job_id = `gen_${String(index).padStart(32, '0')}`;
    return answered(200, JSON.stringify({ job_id, status: 'CREATED', message: 'Job created successfully' }));
  }

  #report(url: URL, now: Millis): HttpOutcome {
    const job_id = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    const index = Number(job_id.slice('gen_'.length));
    const isFinished = this.#ledger.reported(index, now);
    const head = `{"job_id":"${job_id}","job_status":"${isFinished ? 'completed' : 'created'}","total_tasks":1`;
    const tail = isFinished
      ? `"completed_tasks":1,"results":${this.#resultsOf(index)}`
      : '"completed_tasks":0,"results":[]';
    return answered(200, `${head},${tail}}`);
  }

  #resultsOf(index: number): string {
    const result = prose(this.#resultCharacters, index);
    return JSON.stringify([{ task_index: 0, status: 'completed', result, error: null }]);
  }

  #receive(body: string, now: Millis): HttpOutcome {
    const index = indexIn(body, '"ref":"job-');
    this.#ledger.delivered(index, now);
    this.onWebhook(index, body);
    return answered(200, '');
  }
}

export function answered(status: number, body: string): HttpOutcome {
  return { kind: 'answered', status, headers: {}, body: Buffer.from(body), isTruncated: false };
}

function indexIn(text: string, before: string): number {
  const from = text.indexOf(before) + before.length;
  return Number.parseInt(text.slice(from, from + 12), 10);
}
