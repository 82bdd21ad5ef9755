import { createHash } from 'node:crypto';
import { Asking } from '../queueing/asking.ts';
import type { Random } from '../random.ts';
import { HEALS_AT, START } from '../simulation.ts';
import type { PartsSystem } from './upstream.ts';
import { drawWish, type Wish } from './wishes.ts';

const TRIES_MAX = 12;
const MINUTE = 60_000;

/** The apps: they upload files, post large jobs, repeat what was not answered, and cancel some. */
export class Apps {
  readonly wishes: Wish[] = [];
  readonly #system: PartsSystem;
  readonly #asking: Asking;
  readonly #chance: Random;

  constructor(system: PartsSystem) {
    this.#system = system;
    this.#asking = new Asking(system);
    const { sim } = system;
    this.#chance = sim.chanceOf('apps');
    const clients = ['acme', 'bolt'];
    for (const client of clients) this.#asking.open(client, this.#chance);
    for (let i = this.#chance.pick([1, 1, 2, 3]); i > 0; i--) {
      const at = this.#chance.pick([this.#chance.between(0, 900) * 1000, HEALS_AT - START + MINUTE]);
      const wish = this.#wish(this.#chance.pick(clients));
      sim.time.after(at, () => (wish.file && !wish.isHasty ? this.#upload(wish) : this.#post(wish)));
    }
  }

  #wish(client: string): Wish {
    const { sim, settings, upstream } = this.#system;
    const marker = `marker-${this.wishes.length}`;
    const wish = drawWish(marker, client, settings.allowResubmit, sim.chanceOf(marker));
    this.wishes.push(wish);
    upstream.wishes.set(marker, wish);
    return wish;
  }

  /** Asks for a link, then puts the file there. */
  #upload(wish: Wish): void {
    const { sim, cloud } = this.#system;
    const { file, client, marker } = wish;
    if (file === null) return;
    const { text, format } = file;
    const sha256 = createHash('sha256').update(text).digest('hex');
    const body = { bytes: Buffer.byteLength(text), format, ...(file.sha256 && { sha256 }) };
    const ask = { to: 'jobs', path: '/v1/uploads', client, marker, body: JSON.stringify(body) } as const;
    this.#asking.ask(ask, (status, said) => {
      if (status !== 201) return this.#again(wish, () => this.#upload(wish));
      wish.uploadId = said['upload_id'];
      const key = said['url'] === null ? null : new URL(said['url']).pathname.slice(1);
      if (wish.isHasty && wish.tries === 0) this.#post(wish);
      sim.time.after(this.#chance.between(100, 20_000), () => {
        if (key !== null && !cloud.objects.has(key)) cloud.objects.set(key, text);
        this.#post(wish);
      });
    });
  }

  #post(wish: Wish): void {
    wish.tries += 1;
    if (wish.file && wish.uploadId === null) return void this.#upload(wish);
    const { key, client, marker, uploadId } = wish;
    const body = JSON.stringify({ ...wish.body, ...(uploadId !== null && { messages_from: uploadId }) });
    this.#asking.ask({ to: 'submit', path: '/v1/jobs', client, marker, key, body }, (status, said) => {
      if (status === 202) {
        wish.jobId = said['job_id'];
        const { cancelsAfterMillis } = wish;
        if (cancelsAfterMillis !== null)
          this.#system.sim.time.after(cancelsAfterMillis, () => this.#cancel(wish));
      } else if (said['code'] !== 'upload_incomplete' && key !== null && status !== 400)
        this.#again(wish, () => this.#post(wish));
    });
    const repeats = key !== null && this.#chance.happens(0.1) && wish.tries === 1;
    if (repeats) this.#system.sim.time.after(this.#chance.between(0, 5000), () => this.#post(wish));
  }

  #again(wish: Wish, act: () => void): void {
    if (wish.tries >= TRIES_MAX) return;
    wish.tries += 1;
    this.#system.sim.time.after(this.#chance.between(1, 60) * 1000, act);
  }

  #cancel({ jobId, client, marker }: Wish): void {
    const { upstream, sim } = this.#system;
    this.#asking.ask({ to: 'jobs', path: `/v1/jobs/${jobId}/cancel`, client, marker }, (status, said) => {
      if (status === 200 && said['status'] === 'cancelled') upstream.cancelledAt.set(marker, sim.now);
    });
  }
}
