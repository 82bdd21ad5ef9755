import type { ClientKey } from './core/http/client-key.ts';
import type { Generation } from './core/http/generation-request.ts';
import type { PutLink } from './core/http/uploads.ts';
import type { Job, JobBase, JobRow, Millis, Place, Webhook } from './core/job.ts';
import type { REPORT_LIMITS } from './core/limits.ts';
import type { Log } from './core/log.ts';
import type { CreateMessage, DeliverMessage, PollMessage } from './core/messages.ts';
import type { LargeJob } from './core/parts/parts.ts';
import type { DocumentRef } from './core/parts/row.ts';
import type { Span } from './core/polling/forecast.ts';
import type { PollForecast } from './core/polling/next-poll.ts';
import type { Gate } from './core/queue/gate.ts';
import type { HeldPlace } from './core/queue/places.ts';
import type { Waiting } from './core/queue/queue-keys.ts';
import type { Traced } from './core/trace.ts';
import type { ClientUploads, Upload } from './core/uploads.ts';
import type { CreateResult } from './core/upstream/create-result.ts';
import type { AskedJob } from './core/upstream/read-answer.ts';
import type { Report } from './core/upstream/report.ts';
import type { AttemptOutcome } from './core/webhook/attempt.ts';
import type { Receiver } from './core/webhook/lanes.ts';

/**
 * What the flows need from the world: their dependencies. Every method throws on a fault of ours or of AWS: the
 * message then comes back, or the HTTP caller gets a 500. All other outcomes are values.
 */
export interface World {
  jobs: Jobs;
  clientJobs: ClientJobs;
  overdue: Overdue;
  queue: Queue;
  /** Null: any number of jobs may run at ModelStudio at once. */
  places: Places | null;
  pacer: Pacer;
  requests: Requests;
  sources: Sources;
  documents: Documents;
  uploads: Uploads;
  wakeUps: WakeUps;
  modelStudio: ModelStudio;
  durationStats: DurationStats;
  clientKeys: ClientKeys;
  webhooks: Webhooks;
  lanes: Lanes;
  clock: Clock;
  sleep(millis: Millis): Promise<void>;
  random: Random;
  log: Log;
}

/** The jobs' rows. Reads are strongly consistent. */
export interface Jobs {
  /** Null, too, if the job is deleted. @throws LaterFormat */
  find(jobId: string): Promise<Job | null>;
  /** The same, or what is left of a deleted job. */
  findRow(jobId: string): Promise<JobRow | null>;
  /** False: a job with that id exists already. */
  insert(job: Job): Promise<boolean>;
  /** Replaces version `after.version - 1`. False: that version is gone. */
  replace(after: JobRow): Promise<boolean>;
  /** Removes a job whose creation was refused. False: the version is gone. */
  remove(job: Job): Promise<boolean>;
}

/** An index of each client's jobs by creation. It and the jobs that it gives may lag behind the rows. */
export interface ClientJobs {
  /**
   * A client's jobs below one place, down to and including another, the newest first.
   * @returns at most `limit` jobs; `end` is where to continue, null if there are no more. A page may have fewer
   * jobs than there are, even none, if some could not be read or are of a later release
   */
  page(client: string, from: string, to: string, limit: number): Promise<{ jobs: Job[]; end: string | null }>;
}

/** An index of the jobs' rows by the time at which they are overdue. It may lag behind the rows. */
export interface Overdue {
  /** Pages of ids of jobs in one shard that are overdue at `now`, the longest overdue first. */
  pages(shard: number, now: Millis): AsyncIterable<string[]>;
}

/** The order of the queued jobs, and the gate that lets them through. */
export interface Queue {
  /** Whether a new job must wait behind others. At most a second old; free unless ModelStudio has lately refused a job of this worker. */
  isDraining(): Promise<boolean>;
  /** A job of this client is about to be queued: its turn, and the gate, whose chain will not end before a while. */
  arrive(client: string): Promise<{ turn: number; gate: Gate }>;
  /** The queued jobs whose turn is next, at most 100 beside those that are passed over. It may lag behind the rows. */
  next(passedOver: number): Promise<Waiting[]>;
  gate(): Promise<Gate>;
  /** Replaces version `after.version - 1`, but for `arrivedAt` and `isPaused`. False: it is gone, or a job has arrived after that time. */
  replaceGate(after: Gate, unlessArrivedAfter?: Millis): Promise<boolean>;
}

/** The places of jobs that may run at ModelStudio at once, numbered from 1. */
export interface Places {
  readonly count: number;
  /** Some of those that are free. It may lag behind, and has none that was never taken. */
  free(): Promise<number[]>;
  /** Null: nobody has it. */
  find(number: number): Promise<HeldPlace | null>;
  /** False: another job has it. */
  take(place: Place, jobId: string): Promise<boolean>;
  /** Changes nothing if another job has it by now. */
  release(place: Place): Promise<void>;
  /** Puts a place that nobody has among those that are free, where it may be missing. */
  list(number: number): Promise<void>;
}

/** What queued jobs ask of ModelStudio. Only the function that creates them can read it. */
export interface Requests {
  save(job: StoredRequest, asked: Generation | readonly unknown[]): Promise<void>;
  load(job: StoredRequest): Promise<Generation>;
  /** Also if there is none. */
  remove(job: StoredRequest): Promise<void>;
}

/** What a large job's conversations are in: an upload, or what its request said. Only the function that makes parts can read it. */
export interface Sources {
  stream(job: LargeJob): AsyncIterable<Uint8Array>;
  /** What lies there from one byte to before another, for each of the pairs. */
  read(job: LargeJob, ranges: readonly (readonly [from: number, to: number])[]): Promise<Buffer[]>;
}

/** Keeps apart in time what would otherwise happen at once. */
export interface Pacer {
  /** A moment from now on that is so long after the one before, whoever got that. */
  next(name: string, gapMillis: Millis): Promise<Millis>;
}

export type StoredRequest = Pick<JobBase, 'jobId' | 'createdAt' | 'parts'>;

export type Texts = Iterable<string> | AsyncIterable<string>;

/** Immutable JSON documents: events and large results. */
export interface Documents {
  /** Writes under a key that nobody has used before. */
  save(key: string, json: string): Promise<DocumentRef>;
  /** The same for what is too large for memory, whose length is known. */
  saveAll(key: string, bytes: number, texts: Texts): Promise<DocumentRef>;
  /** @throws LaterFormat */
  load(ref: DocumentRef): Promise<string>;
  /** Stores something for the operator, where only people look for it. */
  setAside(key: string, content: Buffer): Promise<void>;
  /** Also if there is none. */
  remove(ref: DocumentRef): Promise<void>;
  /** A URL from which anyone may read the document for this many seconds. */
  link(ref: DocumentRef, seconds: number): Promise<string>;
}

/** Files that clients put into the bucket, and what is known of them: a row for each client. */
export interface Uploads {
  find(client: string): Promise<ClientUploads>;
  /** Replaces version `after.version - 1`. False: that version is gone. */
  replace(after: ClientUploads): Promise<boolean>;
  /** @param sha256 in hexadecimal digits; null: any file of the upload's length will do */
  link(upload: Upload, sha256: string | null): Promise<PutLink>;
  /** Whether the file has been put there. */
  isThere(upload: Upload): Promise<boolean>;
  /** Also if there is none. */
  remove(objectKey: string): Promise<void>;
}

/** Queues that can delay a message. `delaySeconds` is whole, 0 to 900. */
export interface WakeUps {
  poll(message: PollMessage, delaySeconds: number): Promise<void>;
  /** For reports too large for the poller. */
  collect(message: PollMessage, delaySeconds: number): Promise<void>;
  deliver(message: DeliverMessage, delaySeconds: number): Promise<void>;
  create(message: CreateMessage, delaySeconds: number): Promise<void>;
}

export interface ModelStudio {
  create(generation: Generation, job: Traced): Promise<CreateResult>;
  report(job: AskedJob & Traced, limits: ReportLimits): Promise<Report>;
}

export type ReportLimits = (typeof REPORT_LIMITS)['poll'];

/** How long past jobs took. Only a help: it may be a minute behind, and if it fails nothing is known. */
export interface DurationStats {
  forecast(kind: string): Promise<PollForecast>;
  /** The slot in which a job that is submitted now is to teach, by `record`, how long such jobs take; null: others do. */
  enroll(kind: string, submittedAt: Millis): Promise<number | null>;
  record(kind: string, slot: number, submittedAt: Millis, took: Span): Promise<void>;
  /** ModelStudio has answered a call with 429 or 503. */
  throttled(): Promise<void>;
}

export interface ClientKeys {
  /** May be up to 60 s behind a revocation, and 10 s behind a new key that was tried before it existed. */
  find(sha256: string): Promise<ClientKey | null>;
}

/** What an attempt needs to know of its job. */
export type Delivery = Pick<Webhook, 'id' | 'url' | 'destination' | 'redelivered'> &
  Pick<JobBase, 'client' | 'tracestate'> & { traceparent: string };

export interface Webhooks {
  /** Signs and sends one attempt. `body` goes out byte for byte. */
  send(delivery: Delivery, body: string): Promise<AttemptOutcome>;
}

/** Which receivers hang, so that few workers at a time try them. Only a help: if it fails, none counts as hanging. */
export interface Lanes {
  /** Learns which do; costs something once a second. */
  look(): Promise<void>;
  /** Until when an attempt is put off, by a minute at most; null: it may be made now. */
  heldUntil(receiver: Receiver): Promise<Millis | null>;
  /** Makes an attempt, from which it learns whether the receiver hangs. */
  watch<T>(receiver: Receiver, attempt: () => Promise<T>): Promise<T>;
}

export interface Clock {
  now(): Millis;
}

export interface Random {
  /** 16 random bytes. */
  bytes(): Uint8Array;
  /** 0 (inclusive) to 1 (exclusive). */
  fraction(): number;
}
