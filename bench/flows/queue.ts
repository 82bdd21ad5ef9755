import type { Meter } from './meter.ts';
import type { VirtualTime } from './virtual-time.ts';

const BATCH_SIZE = 10;
const RECEIVES_MAX = 14;

export interface QueueOptions {
  name: string;
  /** How long a message that failed stays hidden. */
  visibilityMillis: number;
  /** The event source's pollers take what becomes due within that time as one batch. */
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
    if (this.#due.length >= BATCH_SIZE) return void this.#invoke();
    if (this.#due.length > 1) return;
    const gathered = this.#due;
    this.#time.after(this.#options.gatherMillis, () => {
      if (this.#due === gathered) void this.#invoke();
    });
  }

  async #invoke(): Promise<void> {
    const batch = this.#due;
    this.#due = [];
    for (const message of batch) {
      message.receives += 1;
      this.bytesInUse -= message.body.length;
    }
    const receivedAt = this.#time.now;
    const { name, visibilityMillis } = this.#options;
    this.#meter.add(`sqs.receives.${name}`);
    const failed = await this.#handle(batch);
    if (failed.size < batch.length) this.#meter.add(`sqs.deletes.${name}`);
    for (const message of failed) {
      if (message.receives >= RECEIVES_MAX) this.deadLetters += 1;
      else this.#put(message, message.againAfterMillis ?? receivedAt + visibilityMillis - this.#time.now);
      delete message.againAfterMillis;
    }
  }
}
