import { CANARY } from '../judge.ts';
import type { Random } from '../random.ts';
import { HEALS_AT, START } from '../simulation.ts';
import { Asking } from './asking.ts';
import type { QueueSystem } from './system.ts';

const TRIES_MAX = 12;
const MINUTE = 60_000;

/** A job as its app wants it, and what it was told. */
export interface Wish {
  client: string;
  marker: string;
  body: Record<string, unknown>;
  /** Null: each try is a request of its own. */
  key: string | null;
  cancelsAfterMillis: number | null;
  tries: number;
  /** Of its latest try. */
  status: number | null;
  code: string | null;
  jobId: string | null;
  /** An answer was lost, or said nothing of what has happened. */
  isInDoubt: boolean;
}

/** The apps: they post jobs, repeat what was not answered, and cancel some. */
export class Apps {
  readonly wishes: Wish[] = [];
  readonly #system: QueueSystem;
  readonly #asking: Asking;
  readonly #chance: Random;
  /** Told of each job that may not wait when it is refused for now, and when its app has asked. */
  onRefused: (marker: string, askedAt: number) => void = () => undefined;

  constructor(system: QueueSystem) {
    this.#system = system;
    this.#asking = new Asking(system);
    const { sim } = system;
    this.#chance = sim.chanceOf('apps');
    const clients = ['acme', 'bolt', 'crew'].slice(0, this.#chance.between(1, 3));
    for (const client of clients) this.#asking.open(client, this.#chance);
    for (let i = this.#chance.between(1, 4); i > 0; i--) {
      const at = this.#chance.between(0, 900) * 1000;
      this.#burst(this.#chance.pick(clients), at, this.#chance.pick([1, 2, 6, 25]));
    }
    const { jobsAtOnce } = system.settings;
    // When all is well again, for a while or for long.
    const at = HEALS_AT - START + this.#chance.pick([1, 5, 12, 40]) * MINUTE;
    if (jobsAtOnce !== null) this.#burst(this.#chance.pick(clients), at, 2 * jobsAtOnce + 1);
  }

  /** Some jobs at about the same time. */
  #burst(client: string, at: number, jobs: number): void {
    const spread = this.#chance.pick([1000, 3000, 120_000]);
    for (let n = jobs; n > 0; n--) {
      const wish = this.#wish(client);
      this.#system.sim.time.after(at + this.#chance.between(0, spread), () => this.#post(wish));
    }
  }

  #wish(client: string): Wish {
    const chance = this.#chance;
    const marker = `marker-${this.wishes.length}`;
    const { queueForSeconds, allowResubmit } = this.#system.settings;
    const queueFor = queueForSeconds > 0 ? chance.pick([undefined, undefined, undefined, 0, 30, 600]) : 0;
    const isResubmitted = allowResubmit && queueForSeconds > 0 && queueFor !== 0 && chance.happens(0.5);
    const wish = {
      client,
      marker,
      body: {
        model_id: 'm',
        messages: [[{ role: 'user', content: `${CANARY} ${marker}` }]],
        webhook_url: 'https://hooks.example.com/h',
        metadata: { marker },
        expires_in: chance.pick([60, 900, 7200, 7200]),
        ...(queueFor !== undefined && { queue_for: queueFor }),
        ...(isResubmitted && { on_unknown: 'resubmit' }),
      },
      key: chance.happens(0.8) ? `key-${marker}` : null,
      cancelsAfterMillis: chance.happens(0.1) ? chance.between(0, 120) * 1000 : null,
      tries: 0,
      status: null,
      code: null,
      jobId: null,
      isInDoubt: false,
    };
    if (isResubmitted) this.#system.upstream.resubmitted.add(marker);
    this.wishes.push(wish);
    return wish;
  }

  #post(wish: Wish): void {
    wish.tries += 1;
    const { key, client, marker } = wish;
    const ask = {
      to: 'submit',
      path: '/v1/jobs',
      client,
      marker,
      key,
      body: JSON.stringify(wish.body),
    } as const;
    const askedAt = this.#system.sim.now;
    this.#asking.ask(ask, (status, body) => {
      wish.status = status;
      wish.code = body['code'] ?? null;
      const mayWait = wish.body['queue_for'] !== 0 && this.#system.settings.queueForSeconds > 0;
      if (wish.code === 'modelstudio_unavailable' && !mayWait) this.onRefused(marker, askedAt);
      if (status === 202) {
        wish.jobId = body['job_id'] ?? null;
        const { cancelsAfterMillis } = wish;
        if (cancelsAfterMillis !== null)
          this.#system.sim.time.after(cancelsAfterMillis, () => this.#cancel(wish));
        return;
      }
      if (status === null || (status >= 500 && wish.code !== 'modelstudio_unavailable'))
        wish.isInDoubt = true;
      const isRepeatable = key !== null && status !== 400 && status !== 404;
      if (!isRepeatable || wish.tries === TRIES_MAX || this.#chance.happens(0.2)) return;
      this.#system.sim.time.after(this.#chance.between(1, 90) * 1000, () => this.#post(wish));
    });
    const repeats = key !== null && this.#chance.happens(0.05) && wish.tries === 1;
    if (repeats) this.#system.sim.time.after(this.#chance.between(0, 5000), () => this.#post(wish));
  }

  #cancel({ jobId, client, marker }: Wish): void {
    this.#asking.ask({ to: 'jobs', path: `/v1/jobs/${jobId}/cancel`, client, marker }, () => undefined);
  }
}
