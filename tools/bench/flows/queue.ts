import { RECEIVES_MAX } from '../../../functions/core/limits.ts';
import type { VirtualTime } from '../../../test/cloud/time.ts';
import type { Meter } from './meter.ts';

const BATCH_SIZE = 10;
/** A poller that finds a message due has found those of the next moment, too, before it is back. */
const MOMENT_MILLIS = 20;
/** Of the event source, at least: each gathers a batch of its own. */
const POLLERS = 5;

export interface QueueOptions {
  name: string;
  /** How long a message that failed stays hidden. */
  visibilityMillis: number;
  /** The event source's batching window. */
  gatherMillis: number;
}

export interface Message {
  body: string;
  receives: number;
  /** When it failed, if it asked to come again sooner than the visibility timeout. */
  againAfterMillis?: number;
}

/** Which messages of a batch have failed; all of them when the worker died. */
export type Handle = (batch: readonly Message[]) => Promise<ReadonlySet<Message>>;

/** An SQS queue and the event source that feeds a function from it. */
export class Queue {
  deadLetters = 0;
  /** Of the messages that are waiting. */
  bytesInUse = 0;
  readonly #options: QueueOptions;
  readonly #handle: Handle;
  readonly #time: VirtualTime;
  readonly #meter: Meter;
  #due: Message[] = [];
  /** What each poller has gathered so far. */
  readonly #gathered: Message[][] = [];
  #turn = 0;
  #atWork = 0;

  constructor(options: QueueOptions, handle: Handle, time: VirtualTime, meter: Meter) {
    this.#options = options;
    this.#handle = handle;
    this.#time = time;
    this.#meter = meter;
  }

  send(body: string, delaySeconds: number): void {
    this.#put({ body, receives: 0 }, delaySeconds * 1000);
  }

  #put(message: Message, millis: number): void {
    this.bytesInUse += message.body.length;
    this.#time.after(millis, () => this.#arrive(message));
  }

  #arrive(message: Message): void {
    this.#due.push(message);
    const due = this.#due;
    if (due.length === BATCH_SIZE) this.#receive();
    if (due.length > 1) return;
    this.#time.after(MOMENT_MILLIS, () => {
      if (this.#due === due) this.#receive();
    });
  }

  #receive(): void {
    const received = this.#due;
    this.#due = [];
    for (const message of received) {
      message.receives += 1;
      this.bytesInUse -= message.body.length;
    }
    this.#meter.add(`sqs.receives.${this.#options.name}`);
    if (this.#options.gatherMillis === 0) void this.#invoke(received);
    else this.#gather(received);
  }

  /** The pollers take turns: one for each function at work. */
  #gather(received: readonly Message[]): void {
    const poller = this.#turn++ % Math.max(POLLERS, this.#atWork);
    const gathered = this.#gathered[poller] ?? [];
    if (gathered.length > 0 && gathered.length + received.length < BATCH_SIZE) {
      gathered.push(...received);
      return;
    }
    const rest = [...gathered, ...received];
    while (rest.length >= BATCH_SIZE) void this.#invoke(rest.splice(0, BATCH_SIZE));
    this.#gathered[poller] = rest;
    if (rest.length === 0) return;
    this.#time.after(this.#options.gatherMillis, () => {
      if (this.#gathered[poller] !== rest) return;
      this.#gathered[poller] = [];
      void this.#invoke(rest);
    });
  }

  async #invoke(batch: readonly Message[]): Promise<void> {
    const receivedAt = this.#time.now;
    const { name, visibilityMillis } = this.#options;
    this.#atWork += 1;
    const failed = await this.#handle(batch);
    this.#atWork -= 1;
    if (failed.size < batch.length) this.#meter.add(`sqs.deletes.${name}`);
    for (const message of failed) {
      if (message.receives >= RECEIVES_MAX) this.deadLetters += 1;
      else this.#put(message, message.againAfterMillis ?? receivedAt + visibilityMillis - this.#time.now);
      delete message.againAfterMillis;
    }
  }
}
