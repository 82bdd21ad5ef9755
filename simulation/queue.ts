import { must } from './judge.ts';
import type { Simulation } from './simulation.ts';
import { Worker } from './worker.ts';

const RECEIVES_MAX = 14;
const BATCH_SIZE = 10;

interface Queued {
  body: string;
  receives: number;
  /** Until when it is hidden: delayed, or being handled. */
  hiddenUntil: number;
  isDeleted: boolean;
  isCopy: boolean;
  /** Who received it last. */
  worker?: Worker;
}

/** An SQS queue with its dead letters and the function that it feeds. */
export class Queue {
  readonly name: string;
  readonly #sim: Simulation;
  readonly #timeoutMillis: number;
  readonly #handle: (body: string, worker: Worker, isRepeat: boolean) => Promise<void>;
  readonly #messages = new Set<Queued>();
  #deadLetters: Queued[] = [];
  /** Deliveries beyond the first, by message body: what duplicates and failures have added. */
  readonly repeats = new Map<string, number>();
  /** Handlings that did not come to their end, by job. */
  readonly failures = new Map<string, number>();

  constructor(
    sim: Simulation,
    name: string,
    timeoutMillis: number,
    handle: (body: string, worker: Worker, isRepeat: boolean) => Promise<void>,
  ) {
    this.#sim = sim;
    this.name = name;
    this.#timeoutMillis = timeoutMillis;
    this.#handle = handle;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Those in nobody's hand: one that is being handled stands beside the one that follows it, for a moment. */
  waitingOf(jobId: string): number {
    const isWaiting = ({ body, worker }: Queued) =>
      body.includes(`"jobId":"${jobId}"`) && worker?.isAlive !== true;
    return [...this.#messages].filter(isWaiting).length;
  }

  send(body: string, delaySeconds: number): void {
    const isDelay = Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= 900;
    must(isDelay, 'I16', () => `${this.name} is given a delay of ${delaySeconds} s`);
    must(body.length < 1024 * 1024, 'I16', () => `${this.name} is given a message of ${body.length} bytes`);
    const { random, faults } = this.#sim;
    const late = random.happens(faults.late) ? random.between(1, 400) * 1000 : this.#sim.duration(0, 30);
    this.#put(
      { body, receives: 0, hiddenUntil: 0, isDeleted: false, isCopy: false },
      delaySeconds * 1000 + late,
    );
  }

  /** Puts the dead letters back. */
  redrive(): void {
    const letters = this.#deadLetters;
    this.#deadLetters = [];
    for (const { body } of letters) {
      this.#repeated(body);
      this.#put({ body, receives: 0, hiddenUntil: 0, isDeleted: false, isCopy: false }, 0);
    }
  }

  #put(message: Queued, millis: number): void {
    this.#messages.add(message);
    this.#hide(message, millis);
  }

  #hide(message: Queued, millis: number): void {
    message.hiddenUntil = this.#sim.now + millis;
    this.#sim.timeline.after(millis, () => this.#appear(message));
  }

  #appear(message: Queued): void {
    if (message.isDeleted || message.hiddenUntil > this.#sim.now) return;
    const { random, faults } = this.#sim;
    const isVisible = (other: Queued) => other.hiddenUntil <= this.#sim.now;
    const batch = [...this.#messages].filter(isVisible).slice(0, BATCH_SIZE);
    if (!batch.includes(message)) batch[0] = message;
    if (batch.length > 1 && random.happens(0.5)) batch.reverse();
    this.#invoke(batch.filter((queued) => this.#receive(queued)));
    for (const queued of batch) {
      if (!random.happens(faults.duplicate) || queued.isDeleted || queued.isCopy) continue;
      this.#sim.note(`${this.name} delivers a message twice`);
      this.#repeated(queued.body);
      // A true duplicate does not know of the other.
      const receives = random.pick([queued.receives, 0]);
      this.#put(
        { ...queued, receives, isCopy: true },
        faults.isInStep ? 0 : random.pick([0, 10, 1000, 60_000]),
      );
    }
  }

  #receive(message: Queued): boolean {
    message.receives += 1;
    if (message.receives > 1) this.#repeated(message.body);
    if (message.receives > RECEIVES_MAX) {
      this.#sim.note(`${this.name}: to the dead letters`);
      this.#delete(message);
      this.#deadLetters.push(message);
      return false;
    }
    this.#hide(message, this.#sim.faults.visibilityMillis);
    return true;
  }

  /** One invocation for a batch: all messages at once, each one that fails goes back alone. */
  #invoke(batch: Queued[]): void {
    if (batch.length === 0) return;
    const worker = new Worker(this.#sim, this.name, this.#timeoutMillis);
    for (const message of batch) message.worker = worker;
    const failed = new Set<Queued>();
    let isHandled = false;
    worker.onEnd(() => {
      const unhandled = batch.filter((message) => failed.has(message) || !isHandled);
      for (const message of unhandled) countUp(this.failures, message.body);
    });
    const handled = batch.map((message) =>
      this.#handle(message.body, worker, message.receives > 1).catch(() => {
        failed.add(message);
      }),
    );
    void Promise.all(handled).then(() => {
      if (!worker.isAlive) return;
      isHandled = true;
      worker.end();
      for (const message of batch) if (!failed.has(message)) this.#delete(message);
    });
  }

  #delete(message: Queued): void {
    message.isDeleted = true;
    this.#messages.delete(message);
  }

  #repeated(body: string): void {
    countUp(this.repeats, body);
  }
}

function countUp(counts: Map<string, number>, body: string): void {
  const jobId = /"jobId":"([^"]*)"/.exec(body)?.[1] ?? '';
  counts.set(jobId, (counts.get(jobId) ?? 0) + 1);
}
