import type { Millis } from '../../functions/core/job.ts';
import { againSeconds, RECEIVES_MAX } from '../../functions/core/limits.ts';
import { sqsDelaySeconds } from '../../functions/core/sqs-delay.ts';
import { must } from './judge.ts';
import type { Simulation } from './simulation.ts';
import { Worker } from './worker.ts';

const BATCH_SIZE = 10;

interface Queued {
  body: string;
  receives: number;
  /** Until when it is hidden: delayed, or being handled. */
  hiddenUntil: number;
  isDeleted: boolean;
  /** Who have received it. */
  workers: Worker[];
}

/** A message as one worker has it. */
interface Received {
  message: Queued;
  /** As SQS tells it, which does not know of all. */
  receives: number;
}

/** As lambda-sqs.ts has it: null when the message is done with, otherwise when it must come again. */
type Handle = (body: string, worker: Worker, isRepeat: boolean) => Promise<Millis | null>;

/** An SQS queue with its dead letters and the function that it feeds. */
export class Queue {
  readonly name: string;
  readonly #sim: Simulation;
  readonly #timeoutMillis: number;
  readonly #handle: Handle;
  readonly #messages = new Set<Queued>();
  #deadLetters: Queued[] = [];
  /** Deliveries beyond the first, by message body: what duplicates and failures have added. */
  readonly repeats = new Map<string, number>();
  /** Handlings that did not come to their end, by job. */
  readonly failures = new Map<string, number>();

  constructor(sim: Simulation, name: string, timeoutMillis: number, handle: Handle) {
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
    const isWaiting = ({ body, workers }: Queued) =>
      body.includes(`"jobId":"${jobId}"`) && !workers.some(({ isAlive }) => isAlive);
    return [...this.#messages].filter(isWaiting).length;
  }

  send(body: string, delaySeconds: number): void {
    const isDelay = Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= 900;
    must(isDelay, 'I16', () => `${this.name} is given a delay of ${delaySeconds} s`);
    must(body.length < 1024 * 1024, 'I16', () => `${this.name} is given a message of ${body.length} bytes`);
    const { random, faults } = this.#sim;
    const late = random.happens(faults.late) ? random.between(1, 400) * 1000 : this.#sim.duration(0, 30);
    this.#put(body, delaySeconds * 1000 + late);
  }

  /** Puts the dead letters back. */
  redrive(): void {
    const letters = this.#deadLetters;
    this.#deadLetters = [];
    for (const { body } of letters) {
      this.#repeated(body);
      this.#put(body, 0);
    }
  }

  #put(body: string, millis: number): void {
    const message = { body, receives: 0, hiddenUntil: 0, isDeleted: false, workers: [] };
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
    const received = batch.filter((queued) => this.#receive(queued));
    this.#invoke(received.map((queued) => ({ message: queued, receives: queued.receives })));
    for (const queued of batch) {
      if (!random.happens(faults.duplicate)) continue;
      const millis = faults.isInStep ? 0 : random.pick([0, 10, 1000, 60_000]);
      this.#sim.timeline.after(millis, () => this.#receiveTwice(queued));
    }
  }

  /** A duplicate is the same message, hidden or not: who deletes it takes it from both. */
  #receiveTwice(message: Queued): void {
    if (message.isDeleted) return;
    this.#sim.note(`${this.name} delivers a message twice`);
    this.#repeated(message.body);
    this.#invoke([{ message, receives: this.#sim.random.pick([message.receives + 1, 1]) }]);
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

  /** One invocation for a batch: all messages at once, each one that is not done with goes back alone. */
  #invoke(batch: Received[]): void {
    if (batch.length === 0) return;
    const worker = new Worker(this.#sim, this.name, this.#timeoutMillis);
    for (const { message } of batch) message.workers.push(worker);
    const failed = new Set<Received>();
    const kept = new Set<Received>();
    let isHandled = false;
    worker.onEnd(() => {
      const unhandled = batch.filter((received) => failed.has(received) || !isHandled);
      for (const { message } of unhandled) countUp(this.failures, message.body);
    });
    const giveBack = async (received: Received, seconds: number | null) => {
      kept.add(received);
      if (seconds === null) return;
      const again = worker.call('again', () => this.#hide(received.message, seconds * 1000));
      await again.catch(() => undefined);
    };
    const handled = batch.map(async (received) => {
      try {
        const { message, receives } = received;
        const comesAgainAt = await this.#handle(message.body, worker, receives > 1);
        if (comesAgainAt !== null)
          await giveBack(received, sqsDelaySeconds(comesAgainAt, worker.clock.now()));
      } catch {
        failed.add(received);
        await giveBack(received, againSeconds(received.receives));
      }
    });
    void Promise.all(handled).then(() => {
      if (!worker.isAlive) return;
      isHandled = true;
      worker.end();
      for (const received of batch) if (!kept.has(received)) this.#delete(received.message);
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
