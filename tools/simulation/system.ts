import { inflateRawSync } from 'node:zlib';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { DOCUMENT_EXTRA_DAYS } from '../../functions/core/limits.ts';
import type { Log, LogFields, Stage } from '../../functions/core/log.ts';
import type { MetricValues } from '../../functions/core/metrics.ts';
import { settingsKey } from '../../functions/core/webhook/client-settings.ts';
import { createJobs } from '../../functions/edge/jobs-table.ts';
import { createRows } from '../../functions/edge/rows.ts';
import type { Jobs } from '../../functions/ports.ts';
import { atOnce, clientsOf } from '../../test/cloud/clients.ts';
import { Cloud, type QueueName } from '../../test/cloud/cloud.ts';
import { jobOf } from '../../test/cloud/contents.ts';
import {
  batchOf,
  comeAgainIn,
  failedIn,
  type Handlers,
  handlersOf,
  sqsEvent,
} from '../../test/cloud/handlers.ts';
import type { Delivery, Handled } from '../../test/cloud/queue.ts';
import { Door } from './door/door.ts';
import type { Environment } from './environment.ts';
import { Hanging } from './hanging.ts';
import type { Invocation } from './invocation.ts';
import { judgeText, must } from './judge.ts';
import { Keeping } from './keeping.ts';
import { Lambda } from './lambda.ts';
import { Lanes } from './lanes.ts';
import { jobIn, Ledger } from './ledger.ts';
import { Lessons } from './lessons.ts';
import { SimulatedModelStudio } from './modelstudio.ts';
import { Receivers } from './receivers.ts';
import { judged } from './reference/around.ts';
import { OpenedContents, openedMessage, openedRow, readAsLater, storeAs } from './releases.ts';
import { Rows } from './rows.ts';
import { CLIENTS, Signers } from './signers.ts';
import type { Simulation } from './simulation.ts';
import { MODELSTUDIO_SECRET, WEBHOOK_SECRET, worldIn } from './world.ts';

/** Chains of wake-ups that multiply would go on forever; the exact limit is checked when a job has ended. */
const SENDS_MAX = 2500;

/** DynamoDB deletes what is past its time within two days, and so does S3. */
export const TTL_LATE_MAX_MILLIS = 48 * 3_600_000;

const SECRET = secretOf(1);
const NEXT_SECRET = secretOf(2);
const SIGNED_FOR = [...CLIENTS, 'museum'];

/** A model whose jobs take an hour. */
export const SLOW_MODEL = 'slow-model-7b';

/** Everything that outlives a function: the deployed system, and those outside with whom it speaks. */
export class System {
  readonly cloud: Cloud;
  readonly lambda: Lambda;
  readonly ledger = new Ledger();
  readonly contents: OpenedContents;
  readonly door: Door;
  readonly keeping: Keeping;
  readonly lanes: Lanes;
  readonly hanging: Hanging;
  readonly rows: Rows;
  /** For what is in the table before anything has begun. */
  readonly jobs: Jobs;
  readonly modelStudio: SimulatedModelStudio;
  readonly receivers: Receivers;
  readonly lessons: Lessons;
  readonly signers: Signers;
  /** Messages come on time in this run, and those that failed come again in time. */
  readonly isPunctual: boolean;
  /** How many more polls of a second each there may be while a job seems younger than it is. */
  readonly pollsBySkew: number;
  /** Messages, or what is known of them, may have come late in this run. */
  readonly #wasLate: boolean;
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
    const { late, slow, hang, indexLagMillis, skewMillis, concurrency, outages, rollout } = sim.faults;
    this.pollsBySkew = Math.ceil((4 * skewMillis) / 1000);
    const isSlow = late > 0 || slow > 0 || hang > 0 || outages.length > 0 || Number.isFinite(concurrency);
    this.isPunctual = !isSlow && indexLagMillis === 0 && rollout === null;
    this.#wasLate = late > 0 || indexLagMillis > 0;
    this.modelStudio = new SimulatedModelStudio(sim);
    this.cloud = this.#cloud();
    this.contents = new OpenedContents(this.cloud);
    this.door = new Door(sim, this);
    this.rows = new Rows(sim, this);
    this.keeping = new Keeping(sim, this.cloud, this.rows);
    this.lanes = new Lanes(sim);
    this.lessons = new Lessons(sim);
    this.hanging = new Hanging(sim);
    this.cloud.tables.jobs.onWrite = (key, item) => {
      if (isPace(key)) return;
      this.keeping.judgeWrite(key);
      if (isLane(key)) {
        sim.judge(() => this.lanes.wrote(key, item));
        return;
      }
      const job = item && jobOf(openedRow(item));
      if (job) sim.judge(() => sim.traces.wrote(job));
      this.rows.wrote(key, job);
    };
    this.cloud.tables.jobs.onExpire = (key) => {
      if (!isLane(key) && !isPace(key)) sim.judge(() => this.rows.expired(key));
    };
    this.cloud.secrets.set(MODELSTUDIO_SECRET, { AWSCURRENT: this.modelStudio.apiKey });
    this.cloud.secrets.set(WEBHOOK_SECRET, { AWSCURRENT: SECRET });
    this.signers = new Signers(SECRET, SIGNED_FOR, () => sim.now);
    this.receivers = new Receivers(
      sim,
      (request, body) => {
        const client = this.rows.get(JSON.parse(body).data.job_id)?.client;
        if (client !== undefined) this.signers.judge(request, body, client);
      },
      (body, environment) => {
        const { job_id } = JSON.parse(body).data;
        must(!this.rows.deleted.has(job_id), 'I17', () => `${job_id} is deleted, and delivered`);
        this.keeping.judgePost(body, environment);
      },
    );
    this.receivers.hangMillis = (host) => this.hanging.millisOf(host, sim.now);
    this.receivers.onAttempt = (body, url, millis, by) =>
      this.lanes.tried(this.rows.get(JSON.parse(body).data.job_id)?.client ?? '', url, millis, by);
    this.lambda = new Lambda(sim, (environment) => this.#handlersIn(environment));
    const { dynamodb } = clientsOf(this.cloud, atOnce);
    this.jobs = createJobs(createRows(dynamodb, 'jobs'), sim.scene.retentionDays, { now: () => sim.now });
    this.lessons.ofThePast(this.cloud, 'm', [0, 3, 64, 64], (_, random) => random.between(1, 60));
    this.lessons.ofThePast(this.cloud, SLOW_MODEL, [64], (slot) => 3600 + slot);
    this.cloud.tables.durationStats.onWrite = (kind, item) => sim.judge(() => this.lessons.wrote(kind, item));
  }

  #cloud(): Cloud {
    const sim = this.#sim;
    const cloud = new Cloud({
      time: sim.time,
      handle: (queue, batch) => this.#handle(queue, batch),
      visibilityMillis: () => sim.faults.visibilityMillis,
      objectDays: sim.scene.retentionDays + DOCUMENT_EXTRA_DAYS,
    });
    cloud.faults = {
      indexLagMillis: () => sim.chanceOf('index').between(0, sim.faults.indexLagMillis),
      sweepPageMax: () => sim.faults.pageMax,
      isProcessed: () => sim.fault('unprocessed', 'dynamodb', 'a key') === null,
      isTaken: () => sim.fault('partialSend', 'sqs', 'a message') === null,
      ttlLateMillis: () => sim.chanceOf('time to live').between(0, TTL_LATE_MAX_MILLIS),
    };
    cloud.onSend = (queue, body, delaySeconds) => this.#sent(queue, body, delaySeconds);
    for (const queue of Object.values(cloud.queues)) {
      queue.faults = {
        lateMillis: () => {
          const late = sim.fault('late', queue.name, 'a message');
          return late ? late.between(1, 400) * 1000 : sim.duration(0, 30, queue.name);
        },
        againAfterMillis: () => {
          const again = sim.fault('duplicate', queue.name, 'a message');
          return again && (sim.faults.isInStep ? 0 : again.pick([0, 10, 1000, 60_000]));
        },
        receivesTold: (receives) => sim.chanceOf(queue.name).pick([receives + 1, 1]),
        isReversed: () => sim.chanceOf(queue.name).happens(0.5),
        momentMillis: () => sim.duration(0, 20, queue.name),
      };
      queue.onRepeat = (message) => this.ledger.repeated(queue.name as QueueName, jobIn(message.body));
      queue.onFailure = (message) => this.ledger.failed(queue.name as QueueName, jobIn(message.body));
    }
    return cloud;
  }

  async #handle(queue: QueueName, batch: readonly Delivery[]): Promise<Handled> {
    for (const { message } of batch) {
      const body = openedMessage(message.body);
      this.#sim.mark?.({ kind: 'received', lane: queue, body, sentAt: message.sentAt });
    }
    const kept = this.keeping.keptIn(batch);
    let given: Invocation | null = null;
    const answer = await this.lambda.invoke(queue, (handlers, environment) => {
      given = environment.invocation;
      given.batch = batch;
      const event = sqsEvent(queue, batch);
      if (environment.release === 'later') {
        for (const each of event.Records) each.body = openedMessage(each.body);
      }
      return handlers[queue](event);
    });
    if (typeof answer === 'string') return answer;
    const failed = failedIn(batch, answer);
    for (const delivery of failed) this.#sim.judge(() => this.#judgeFailure(queue, delivery, given));
    const done = batch.filter((delivery) => !failed.has(delivery));
    this.#sim.judge(() =>
      this.keeping.judgeDone(
        queue,
        done.filter((delivery) => kept.includes(delivery)),
        given,
      ),
    );
    for (const delivery of done) this.#sim.judge(() => this.#judgeChain(delivery, given));
    return failed;
  }

  /** A poll fails only if a call of its own has, or if others were ahead of it again and again. */
  #judgeFailure(queue: QueueName, { message }: Delivery, invocation: Invocation | null): void {
    const jobId = jobIn(message.body);
    if (queue === 'deliver' || !invocation || this.rows.get(jobId) === undefined) return;
    const isForLater = this.keeping.isKept(message) && invocation.release !== 'later';
    const isExplained = invocation.failures.length + invocation.conflicts > 0 || isForLater;
    must(
      isExplained || !isReadable(message.body),
      'I12',
      () => `a poll of ${jobId} fails, and all its calls went well`,
    );
  }

  /** Two chains of polls meet in the row: what is repeated is written down, and what is written stands or is outlived. */
  #judgeChain({ message, receives }: Delivery, invocation: Invocation | null): void {
    const jobId = jobIn(message.body);
    const seq = invocation?.polled.get(jobId);
    const own = invocation?.batch.filter(({ message: { body } }) => jobIn(body) === jobId) ?? [];
    // Of two messages at once, nobody could tell which has written.
    if (seq === undefined || own.length > 1 || openedMessage(message.body).includes('"attempts"')) return;
    const isWritten = invocation?.written.has(jobId) === true;
    must(receives === 1 || isWritten, 'I19', () => `a repeat for ${jobId} is not written down`);
    const row = this.rows.get(jobId);
    if (row?.status !== 'running' || !isWritten) return;
    const place = row.expectedWakeUp.seq;
    must(place >= seq, 'I19', () => `${jobId} expects wake-up ${place}, and ${seq} has been sent`);
  }

  #handlersIn(environment: Environment): Handlers {
    const clients = clientsOf(this.cloud, (call, effect) => {
      const { release } = environment;
      judgeDocument(call.command);
      storeAs(release, call.command, this.#sim.seed);
      const read = () => readAsLater(call.command, effect());
      return environment.carry(call, release === 'later' ? read : effect);
    });
    const batch = batchOf(environment.name);
    const world = worldIn(environment, clients, this, this.#sim, batch);
    return handlersOf(world, comeAgainIn(clients, environment.name), judged(this.#sim), batch);
  }

  /** In a rotation, it is one side or the other that knows the new key first. */
  rotateApiKey(key: string): void {
    this.cloud.secrets.set(MODELSTUDIO_SECRET, { AWSCURRENT: key });
  }

  rotateWebhookSecret(): void {
    this.cloud.secrets.set(WEBHOOK_SECRET, { AWSCURRENT: NEXT_SECRET, AWSPREVIOUS: SECRET });
    this.signers.rotateRoot(NEXT_SECRET);
  }

  /** As `npm run keys -- secret --rotate` does. */
  rotateSecretOf(client: string): void {
    const generation = this.signers.rotate(client);
    const row = { ...settingsKey(client), client: { S: client } };
    const numbers = { generation: { N: String(generation) }, rotatedAt: { N: String(this.#sim.now) } };
    this.cloud.tables.clientKeys.put({ ...row, ...numbers });
  }

  #sent(queue: QueueName, body: string, delaySeconds: number): void {
    const { acting } = this.#sim;
    judgeText('a message', body);
    const opened = openedMessage(body);
    acting?.invocationOrNull?.sent.push({ queue, body: opened, delaySeconds });
    this.#sim.mark?.({ kind: 'sent', from: acting?.name ?? 'sweep', body: opened });
    this.#sim.note(`${acting?.name} sends to ${queue} in ${delaySeconds} s: ${body}`);
    const { jobId, upstreamJobId, wakeUp } = JSON.parse(opened);
    if (acting?.name === 'sweep' && queue === 'deliver') this.#judgeLostDelivery(jobId, wakeUp.token);
    // A sweep that dies before it says so has woken the job all the same.
    if (acting?.name === 'sweep' && !this.ledger.tokens.has(wakeUp.token)) this.ledger.rescued(jobId);
    const sends = this.ledger.sent(queue, jobId, wakeUp.token);
    const isOver = upstreamJobId !== undefined && this.modelStudio.endOf(upstreamJobId) !== null;
    if (queue !== 'deliver') this.ledger.waitsFor(jobId, delaySeconds, isOver);
    must(sends < SENDS_MAX, 'I19', () => `${sends} messages for ${jobId}: chains that multiply`);
    if (acting?.hasReportOn(upstreamJobId)) this.ledger.seen.add(jobId);
  }

  /** One failure never breaks a chain of deliveries either: unless messages are late, the failed one comes again before the sweeper. */
  #judgeLostDelivery(jobId: string, token: string): void {
    const job = this.rows.get(jobId);
    const expected = job?.webhook?.status === 'pending' ? job.webhook.expectedWakeUp : null;
    // The sweeper sends the very first one, too, of a job that it has ended itself, and the SDK whatever had no answer.
    const isFirst = expected?.token === token || this.ledger.tokens.has(token);
    if (!this.isPunctual || expected === null || isFirst) return;
    const { poll, collect, deliver } = this.ledger.failures(jobId);
    const isSent = this.ledger.tokens.has(expected.token);
    // Whoever ended the job had it sent, and came again if it could not: unless that was an app's request, or a sweep.
    const isByMessage = /poll|collect/.test(this.rows.endedBy.get(jobId) ?? '');
    if (!isSent && (!isByMessage || job?.webhook?.redelivered !== undefined)) return;
    const failures = isSent ? deliver : poll + collect;
    const isHidden = !isSent && collect > 0 && this.#isHidden(jobId);
    must(
      failures > 1 || isHidden,
      'I12',
      () => `the deliveries of ${jobId} broke off after ${failures} failures`,
    );
  }

  logOf(environment: Environment): Log {
    const told = (stage: Stage, facts: LogFields, metrics: MetricValues = {}) => {
      environment.invocationOrNull?.told.push({ stage, facts, metrics });
      this.#sim.judge(() => this.#told(environment.name, stage, facts, metrics));
    };
    return { event: told, aggregate: told };
  }

  #told(name: string, stage: Stage, facts: LogFields, measured: MetricValues = {}): void {
    for (const [metric, value] of Object.entries(measured)) this.#sim.count(metric, value);
    const text = JSON.stringify(facts);
    judgeText('a log line', text);
    this.#sim.traces.told(facts);
    this.#sim.note(`${name} tells: ${stage} ${text}`);
    if (facts.outcome === 'held')
      this.#sim.judge(() => this.lanes.held(facts.job_id ?? '', facts.client ?? ''));
    if (facts.outcome === 'wake_up_unsent' && facts.job_id) this.ledger.unsent.add(facts.job_id);
    if (stage === 'sweep' && facts.job_id) this.#judgeRescue(facts.job_id, facts.outcome);
  }

  /** One failure never breaks a chain: unless messages are late, the failed one comes again before the sweeper. */
  #judgeRescue(jobId: string, outcome: string): void {
    const isWoken = this.#sim.acting?.invocationOrNull?.sent.some(({ body }) => jobIn(body) === jobId);
    if (!isWoken) this.ledger.rescued(jobId);
    const { poll, collect } = this.ledger.failures(jobId);
    const failures = poll + collect;
    const isHandedOver = this.ledger.handedOver.has(jobId);
    const isBroken =
      (outcome === 'lost_poll' && failures <= 1 && !(collect > 0 && this.#isHidden(jobId))) ||
      (outcome === 'lost_expiry' && failures === 0 && !isHandedOver);
    // One that nobody failed to handle is lost by no fault but that it is late.
    const isOnTime = this.isPunctual || (failures === 0 && !this.#wasLate);
    const isAccountedFor = !isOnTime || this.ledger.unsent.has(jobId);
    must(isAccountedFor || !isBroken, 'I12', () => `the chain of ${jobId} broke after ${failures} failures`);
  }

  /** A collector that died hides its message for six times as long as it may run: the sweeper comes first, as it is meant to. */
  #isHidden(jobId: string): boolean {
    const { messages } = this.cloud.queues.collect;
    return [...messages].some(
      ({ body, receives, hiddenUntil }) =>
        receives > 0 && hiddenUntil > this.#sim.now && jobIn(body) === jobId,
    );
  }
}

function isLane(key: string): boolean {
  return key.startsWith('lane/');
}

/** Rows that are no jobs: those by which redeliveries keep their distance. */
export function isPace(key: string): boolean {
  return key.startsWith('pace/');
}

function isReadable(body: string): boolean {
  return /"token":"\w+"/.test(body);
}

function judgeDocument(command: object): void {
  if (command instanceof PutObjectCommand) judgeText('a document', String(command.input.Body));
  const deflated = command instanceof PutItemCommand && command.input.Item?.['deflated']?.B;
  if (deflated) judgeText('a document', inflateRawSync(deflated).toString());
}

function secretOf(fill: number): string {
  return `whsec_${Buffer.alloc(32, fill).toString('base64')}`;
}
