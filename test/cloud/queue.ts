import type { Millis } from '../../functions/core/job.ts';
import { RECEIVES_MAX } from '../../functions/core/limits.ts';
import type { Meter } from './meter.ts';
import type { Time } from './time.ts';

const BATCH_SIZE = 10;
/** A poller that finds a message due has found those of the next moment, too, before it is back. */
const MOMENT_MILLIS = 20;
/** Of the event source, at least: each has a batch of its own, from receiving it to the end of its invocation. */
const POLLERS = 5;
/** While messages are left behind, the event source adds 300 pollers a minute, and it takes them back when none are. */
const POLLER_EVERY_MILLIS = 200;

export interface Message {
  readonly body: string;
  readonly sentAt: Millis;
  /** By its sender. */
  readonly delaySeconds: number;
  receives: number;
  /** Delayed, or being handled. */
  hiddenUntil: Millis;
  isDeleted: boolean;
}

/** A message as one invocation has it. */
export interface Delivery {
  readonly message: Message;
  readonly receiptHandle: string;
  /** As SQS tells it, which does not know of all. */
  readonly receives: number;
}

/** What comes of an invocation: which messages have failed, or that there was none, or no end to it. */
export type Handled = ReadonlySet<Delivery> | 'died' | 'throttled';

/** How an event source receives, where AWS does not say, or leaves the choice. */
export interface EventSource {
  /** The batching window. */
  gatherMillis?: Millis;
  /** Instead of the usual moment. */
  momentMillis?: Millis;
  /** Whether it has the pollers that AWS documents; otherwise, one is always idle. */
  hasFewPollers?: boolean;
}

export interface QueueOptions extends EventSource {
  name: string;
  /** How long a message stays hidden that somebody has received. */
  visibilityMillis(): Millis;
  /** How long its function may run. */
  timeoutMillis: Millis;
  /** One invocation of the function that the queue feeds. */
  handle(batch: readonly Delivery[]): Promise<Handled>;
}

/** What SQS may do to its messages, and does seldom. */
export interface QueueFaults {
  /** How much later than asked for a message comes. */
  lateMillis(): Millis;
  /** When a message that has just been received is delivered once more; null: it is not. */
  againAfterMillis(): Millis | null;
  /** As what a message that is delivered once more says how often it was received. */
  receivesTold(receives: number): number;
  isReversed(): boolean;
  /** For how long a poller that finds a message due gathers those that are due by then. */
  momentMillis(): Millis;
}

const NO_FAULTS: QueueFaults = {
  lateMillis: () => 0,
  againAfterMillis: () => null,
  receivesTold: (receives) => receives,
  isReversed: () => false,
  momentMillis: () => MOMENT_MILLIS,
};

/** An SQS queue with its dead letters, and the event source that feeds a function from it. */
export class Queue {
  readonly name: string;
  readonly messages = new Set<Message>();
  deadLetters: Message[] = [];
  faults: QueueFaults = NO_FAULTS;
  /** Told of each delivery beyond a message's first. */
  onRepeat: (message: Message) => void = () => undefined;
  /** Told of each delivery whose message was not done with in the end. */
  onFailure: (message: Message) => void = () => undefined;
  readonly #options: QueueOptions;
  readonly #time: Time;
  readonly #meter: Meter;
  readonly #deliveries = new Map<string, Delivery>();
  #handles = 0;
  #due: Message[] = [];
  /** What each poller has gathered so far. */
  readonly #gathered: Message[][] = [];
  #turn = 0;
  #atWork = 0;
  #pollers = POLLERS;
  #scaledAt = 0;

  constructor(options: QueueOptions, time: Time, meter: Meter) {
    this.name = options.name;
    this.#options = options;
    this.#time = time;
    this.#meter = meter;
    const { momentMillis } = options;
    if (momentMillis !== undefined) this.faults = { ...NO_FAULTS, momentMillis: () => momentMillis };
  }

  send(body: string, delaySeconds: number): void {
    const message = {
      body,
      delaySeconds,
      sentAt: this.#time.now,
      receives: 0,
      hiddenUntil: 0,
      isDeleted: false,
    };
    this.messages.add(message);
    this.#hide(message, delaySeconds * 1000 + this.faults.lateMillis());
  }

  /** @throws when the message is gone, or was never received under that handle */
  changeVisibility(receiptHandle: string, seconds: number): void {
    const delivery = this.#deliveries.get(receiptHandle);
    if (!delivery || delivery.message.isDeleted) throw new Error('ReceiptHandleIsInvalid');
    this.#hide(delivery.message, seconds * 1000);
  }

  /** Those that nobody handles. */
  get waiting(): Message[] {
    const handled = new Set([...this.#deliveries.values()].map(({ message }) => message));
    return [...this.messages].filter((message) => !handled.has(message));
  }

  /** Puts the dead letters back. */
  redrive(): void {
    for (const message of this.deadLetters.splice(0)) {
      this.onRepeat(message);
      this.send(message.body, 0);
    }
  }

  #hide(message: Message, millis: Millis): void {
    message.hiddenUntil = this.#time.now + millis;
    this.#time.after(millis, () => this.#appear(message));
  }

  #appear(message: Message): void {
    if (message.isDeleted || message.hiddenUntil > this.#time.now || this.#due.includes(message)) return;
    this.#due.push(message);
    const due = this.#due;
    if (due.length === BATCH_SIZE) this.#receive();
    if (due.length > 1) return;
    this.#time.after(this.faults.momentMillis(), () => {
      if (this.#due === due) this.#receive();
    });
  }

  get #hasIdlePoller(): boolean {
    return !this.#options.hasFewPollers || this.#atWork < this.#pollers;
  }

  /** As Lambda does while messages are still available, and when the traffic is low. */
  #scale(by: 1 | -1): void {
    if (this.#time.now - this.#scaledAt < POLLER_EVERY_MILLIS) return;
    this.#scaledAt = this.#time.now;
    this.#pollers = Math.max(POLLERS, this.#pollers + by);
  }

  /** All that the idle pollers can take; one that comes back finds what has become due meanwhile. */
  #receive(): void {
    while (this.#due.length > 0 && this.#hasIdlePoller) this.#receiveOnce();
    if (this.#due.length > BATCH_SIZE) this.#scale(1);
  }

  #receiveOnce(): void {
    const found = this.#due.slice(0, BATCH_SIZE);
    this.#due = this.#due.slice(BATCH_SIZE);
    const received = found.filter((message) => !message.isDeleted && this.#take(message));
    if (received.length === 0) return;
    if (this.faults.isReversed()) received.reverse();
    this.#meter.add(`sqs.receives.${this.name}`);
    const { gatherMillis = 0 } = this.#options;
    if (gatherMillis === 0) void this.#invoke(received.map(this.#first));
    else this.#gather(received, gatherMillis);
    for (const message of received) {
      const millis = this.faults.againAfterMillis();
      if (millis !== null) this.#time.after(millis, () => this.#deliverAgain(message));
    }
  }

  readonly #first = (message: Message): Delivery => this.#deliveryOf(message, message.receives);

  #deliveryOf(message: Message, receives: number): Delivery {
    const delivery = { message, receives, receiptHandle: `${this.name}-${this.#handles++}` };
    this.#deliveries.set(delivery.receiptHandle, delivery);
    return delivery;
  }

  /** False: it has been received too often, and is among the dead letters now. */
  #take(message: Message): boolean {
    message.receives += 1;
    if (message.receives > 1) this.onRepeat(message);
    if (message.receives > RECEIVES_MAX) {
      this.#delete(message);
      this.deadLetters.push(message);
      return false;
    }
    const visibilityMillis = this.#options.visibilityMillis();
    message.hiddenUntil = this.#time.now + visibilityMillis;
    // Otherwise it is done with by then, or put back when its invocation ends.
    if (visibilityMillis <= this.#options.timeoutMillis) this.#hide(message, visibilityMillis);
    return true;
  }

  /** A duplicate is the same message, hidden or not: who deletes it takes it from both. */
  #deliverAgain(message: Message): void {
    if (message.isDeleted) return;
    this.onRepeat(message);
    void this.#invoke([this.#deliveryOf(message, this.faults.receivesTold(message.receives))]);
  }

  /** The pollers take turns: one for each function at work. */
  #gather(received: readonly Message[], gatherMillis: Millis): void {
    const poller = this.#turn++ % Math.max(POLLERS, this.#atWork);
    const gathered = this.#gathered[poller] ?? [];
    if (gathered.length > 0 && gathered.length + received.length < BATCH_SIZE) {
      gathered.push(...received);
      return;
    }
    const rest = [...gathered, ...received];
    while (rest.length >= BATCH_SIZE) void this.#invoke(rest.splice(0, BATCH_SIZE).map(this.#first));
    this.#gathered[poller] = rest;
    if (rest.length === 0) return;
    this.#time.after(gatherMillis, () => {
      if (this.#gathered[poller] !== rest) return;
      this.#gathered[poller] = [];
      void this.#invoke(rest.map(this.#first));
    });
  }

  async #invoke(batch: readonly Delivery[]): Promise<void> {
    this.#atWork += 1;
    const handled = await this.#options.handle(batch);
    this.#atWork -= 1;
    const isDone = (delivery: Delivery) => typeof handled !== 'string' && !handled.has(delivery);
    if (batch.some(isDone)) this.#meter.add(`sqs.deletes.${this.name}`);
    for (const delivery of batch) {
      this.#deliveries.delete(delivery.receiptHandle);
      const { message } = delivery;
      if (isDone(delivery)) this.#delete(message);
      else this.onFailure(message);
      if (!message.isDeleted) this.#hide(message, Math.max(0, message.hiddenUntil - this.#time.now));
    }
    if (!this.#options.hasFewPollers) return;
    if (this.#due.length > 0) this.#receive();
    else this.#scale(-1);
  }

  #delete(message: Message): void {
    message.isDeleted = true;
    this.messages.delete(message);
  }
}
