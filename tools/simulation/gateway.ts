import type { Answer } from '../../functions/core/http/request-answer.ts';
import { type ApiRequest, apiEvent } from '../../test/cloud/handlers.ts';
import type { Invocation } from './invocation.ts';
import { judgeAnswerText, must } from './judge.ts';
import type { Simulation } from './simulation.ts';
import type { System } from './system.ts';

export const CLIENT_PATIENCE_MILLIS = 30_000;
/** The most that our 503 asks for. */
const RETRY_AFTER_MAX_SECONDS = 3600;
const STATUSES = [200, 202, 204, 307, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503, 504];

/** What the gateway says by itself, of a function that failed and of one that Lambda did not invoke. */
const GATEWAY_500: Answer = { status: 500, headers: {}, body: '{"message":"Internal Server Error"}' };
const GATEWAY_503: Answer = { status: 503, headers: {}, body: '{"message":"Service Unavailable"}' };

/** The way of a request to its function. */
export class Gateway {
  readonly #sim: Simulation;
  readonly #system: System;

  constructor(sim: Simulation, system: System) {
    this.#sim = sim;
    this.#system = system;
  }

  /** One HTTP request. The caller learns the answer, or null when none came in time. */
  ask(request: ApiRequest, then: (answer: Answer | null, by: Invocation | null) => void): void {
    const name = request.method === 'POST' && request.path === '/v1/jobs' ? 'submit' : 'jobs';
    const about = `${request.path} ${request.body}`;
    let isAnswered = false;
    let invocation: Invocation | null = null;
    const answer = (given: Answer | null) => {
      if (isAnswered) return;
      isAnswered = true;
      this.#sim.note(`${name} answers ${given?.status ?? 'nothing'}`);
      const label = `${given?.status ?? 'nothing'}`;
      this.#sim.mark?.({ kind: 'answer', from: name, to: 'app', label, about: `${about} ${given?.body}` });
      this.#sim.judge(() => {
        if (given) this.#judge(given, request.method === 'HEAD');
        then(given, invocation);
      });
    };
    const event = apiEvent(request);
    const asked = `${request.method} ${request.path.replace(/job_\w+/, '…')}`;
    this.#sim.mark?.({ kind: 'call', from: 'app', to: name, label: asked, about });
    const { door, lambda } = this.#system;
    const visit = door.enter(name, request, event.requestContext.requestId);
    void lambda
      .invoke(name, (handlers, environment) => {
        invocation = environment.invocation;
        invocation.visit = visit;
        return handlers[name](event);
      })
      .then((given) => {
        if (given === 'died') return answer(GATEWAY_500);
        if (given === 'throttled') return answer(GATEWAY_503);
        const { statusCode: status = 0, headers, body = '' } = given;
        const said = { status, headers: headers as Record<string, string>, body };
        this.#sim.judge(() => door.judge(visit, said, invocation as unknown as Invocation));
        answer(said);
      });
    this.#sim.time.after(CLIENT_PATIENCE_MILLIS, () => answer(null));
  }

  #judge({ status, body, headers }: Answer, isHead: boolean): void {
    const seconds = Number(headers['retry-after'] ?? 0);
    must(seconds <= RETRY_AFTER_MAX_SECONDS, 'I10', () => `an answer asks to wait for ${seconds} s`);
    must(STATUSES.includes(status), 'I10', () => `an answer of ${status}`);
    const isRead =
      isHead || status === 204 || status === 307
        ? body === '' || status >= 500
        : typeof JSON.parse(body) === 'object';
    must(isRead, 'I10', () => `an answer that is no JSON object: ${body}`);
    judgeAnswerText('an answer', body);
  }
}
