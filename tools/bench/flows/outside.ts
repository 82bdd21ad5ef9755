import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { Millis } from '../../../functions/core/job.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import type { Ledger } from './ledger.ts';
import { prose } from './prose.ts';

const TASKS_DIGITS = 8;

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
    const tasks = body.split('"role":"user"').length - 1;
    this.#ledger.created(index, now);
    const job_id = `gen_${String(tasks).padStart(TASKS_DIGITS, '0')}${String(index).padStart(24, '0')}`;
    return answered(200, JSON.stringify({ job_id, status: 'CREATED', message: 'Job created successfully' }));
  }

  #report(url: URL, now: Millis): HttpOutcome {
    const job_id = url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
    const digits = job_id.slice('gen_'.length);
    const tasks = Number(digits.slice(0, TASKS_DIGITS));
    const index = Number(digits.slice(TASKS_DIGITS));
    const isFinished = this.#ledger.reported(index, now);
    const status = isFinished ? 'completed' : 'created';
    const head = `{"job_id":"${job_id}","job_status":"${status}","total_tasks":${tasks}`;
    const tail = isFinished
      ? `"completed_tasks":${tasks},"results":${this.#resultsOf(index, tasks)}`
      : '"completed_tasks":0,"results":[]';
    return answered(200, `${head},${tail}}`);
  }

  #resultsOf(index: number, tasks: number): string {
    const results = Array.from({ length: tasks }, (_, task_index) => {
      const result = prose(this.#resultCharacters, index + task_index);
      return { task_index, status: 'completed', result, error: null };
    });
    return JSON.stringify(results);
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
