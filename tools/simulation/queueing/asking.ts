import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import { apiEvent } from '../../../test/cloud/handlers.ts';
import { judgeAnswerText } from '../judge.ts';
import type { Random } from '../random.ts';
import type { AnySystem } from './system.ts';

const PATIENCE_MILLIS = 30_000;

export interface Ask {
  to: 'submit' | 'jobs';
  path: string;
  client: string;
  marker: string;
  key?: string | null;
  body?: string;
}

/** What the apps need to ask the API, and to be told nothing if that takes too long. */
export class Asking {
  readonly #system: AnySystem;
  readonly #keys = new Map<string, string>();

  constructor(system: AnySystem) {
    this.#system = system;
  }

  open(client: string, chance: Random): void {
    const { key, record } = newClientKey(client, ['jobs:read', 'jobs:write'], chance.bytes(48), 0);
    this.#keys.set(client, key);
    this.#system.cloud.tables.clientKeys.put(marshall(record));
  }

  /** @param then is told a status of null if there was no answer */
  // biome-ignore lint/suspicious/noExplicitAny: it is JSON
  ask(asked: Ask, then: (status: number | null, body: Record<string, any>) => void): void {
    const { to, path, client, marker, key = null, body = '' } = asked;
    const { sim, lambda } = this.#system;
    const authorization = `Bearer ${this.#keys.get(client)}`;
    const headers: Record<string, string> = { authorization, ...sim.traces.headersFor(body) };
    if (body !== '') headers['content-type'] = 'application/json';
    if (key !== null) headers['idempotency-key'] = key;
    let isAnswered = false;
    const answer = (status: number | null, text: string) => {
      if (isAnswered) return;
      isAnswered = true;
      sim.note(`${to} of ${marker} answers ${status} ${text.slice(0, 200)}`);
      sim.judge(() => judgeAnswerText('an answer', text));
      then(status, JSON.parse(text));
    };
    const event = apiEvent({ method: 'POST', path, headers, body });
    void lambda
      .invoke(to, (handlers) => handlers[to](event))
      .then((given) => {
        if (typeof given === 'string') answer(500, '{}');
        else answer(given.statusCode ?? 0, given.body ?? '{}');
      });
    sim.time.after(PATIENCE_MILLIS, () => answer(null, '{}'));
  }
}
