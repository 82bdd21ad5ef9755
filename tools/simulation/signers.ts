import { createHmac, hkdfSync } from 'node:crypto';
import type { Millis } from '../../functions/core/job.ts';
import { AWS_CALL_MILLIS } from '../../functions/core/limits.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import { must } from './judge.ts';

/** The apps that submit. */
export const CLIENTS = ['first', 'second'];

/** How late what is new is in use at the latest, with the call that reads it. */
const ROOT_LATE_MILLIS = 300_000 + AWS_CALL_MILLIS;
const GENERATION_LATE_MILLIS = 60_000 + AWS_CALL_MILLIS;
/** For so long, the generation before signs along. */
const OVERLAP = 7 * 86_400_000;
/** Between a signature and its judgement. */
const SLACK = 20_000;

interface Root {
  secret: string;
  since: Millis;
}

/** Who has which secret, and whose webhooks it verifies: judged at every webhook, by each secret that there is. */
export class Signers {
  readonly #now: () => Millis;
  readonly #roots: Root[];
  /** Of each client: when its generations began, the first one first. */
  readonly #begun = new Map<string, Millis[]>();
  readonly #keys = new Map<string, Buffer>();

  /** @param root that is there from the start */
  constructor(root: string, clients: readonly string[], now: () => Millis) {
    const since = Number.NEGATIVE_INFINITY;
    this.#now = now;
    this.#roots = [{ secret: root, since }];
    for (const client of clients) this.#begun.set(client, [since]);
  }

  rotateRoot(secret: string): void {
    this.#roots.push({ secret, since: this.#now() });
  }

  /** @returns the generation that begins */
  rotate(client: string): number {
    return this.#begunOf(client).push(this.#now());
  }

  judge(request: ExchangeRequest, body: string, client: string): void {
    const id = request.headers['webhook-id'];
    const content = `${id}.${request.headers['webhook-timestamp']}.${body}`;
    const given = (request.headers['webhook-signature'] ?? '').split(' ');
    const verifies = (key: Buffer) =>
      given.includes(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
    for (const { secret, since } of this.#roots) {
      must(!verifies(bytesOf(secret)), 'I23', () => `the root verifies ${id}, and so would any who has it`);
      for (const [other, begun] of this.#begun) {
        // Of its own, the next one as well.
        const last = begun.length + (other === client ? 1 : 0);
        for (let generation = 1; generation <= last; generation++) {
          const isVerified = verifies(this.#keyOf(secret, other, generation));
          const what = () => `generation ${generation} of ${other} and ${id} of ${client}`;
          if (other !== client) must(!isVerified, 'I23', what);
          else this.#judgeOwn(isVerified, since, begun, generation, what);
        }
      }
    }
  }

  /** A receiver that has one of those that are alive must find its signature, and one that has any other must not. */
  #judgeOwn(
    isVerified: boolean,
    rootSince: Millis,
    begun: Millis[],
    generation: number,
    what: () => string,
  ): void {
    const isInUse = (since: Millis | undefined, lateMillis: Millis) =>
      since !== undefined && this.#isPast(since + lateMillis);
    must(!(generation > begun.length && isVerified), 'I23', () => `It has not begun: ${what()}`);
    const last = begun.at(-1) ?? 0;
    const age = begun.length - generation;
    const isOver =
      age > 1 ? isInUse(last, GENERATION_LATE_MILLIS) : age === 1 && this.#isPast(last + OVERLAP + SLACK);
    must(!(isOver && isVerified), 'I23', () => `It is over: ${what()}`);
    const isAlive = age === 0 || (age === 1 && !this.#isPast(last + OVERLAP - SLACK));
    const isKnown =
      isInUse(rootSince, ROOT_LATE_MILLIS) && isInUse(begun[generation - 1], GENERATION_LATE_MILLIS);
    must(isVerified || !isAlive || !isKnown, 'I3', () => `The signature does not verify: ${what()}`);
  }

  #isPast(at: Millis): boolean {
    return at < this.#now();
  }

  #begunOf(client: string): Millis[] {
    const begun = this.#begun.get(client);
    if (begun === undefined) throw new Error(`Nobody knows ${client}`);
    return begun;
  }

  /** As the contract has it, whatever the functions do. */
  #keyOf(root: string, client: string, generation: number): Buffer {
    const info = `webhook:${client}:${generation}`;
    const name = `${root} ${info}`;
    const known = this.#keys.get(name) ?? Buffer.from(hkdfSync('sha256', bytesOf(root), '', info, 32));
    this.#keys.set(name, known);
    return known;
  }
}

const bytesOf = (secret: string) => Buffer.from(secret.replace('whsec_', ''), 'base64');
