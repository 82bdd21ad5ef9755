import type { ClientKey } from '../../functions/core/http/client-key.ts';
import { listKeyOf } from '../../functions/core/http/list-cursor.ts';
import type { FinishedJob, Job, RunningJob } from '../../functions/core/job.ts';
import * as limits from '../../functions/core/limits.ts';
import { DeliverMessage, PollMessage } from '../../functions/core/messages.ts';
import type { MetricValues } from '../../functions/core/metrics.ts';
import { scheduleFor } from '../../functions/core/polling/forecast.ts';
import type { PollForecast } from '../../functions/core/polling/next-poll.ts';
import { overdueAt, shardOf } from '../../functions/core/polling/overdue.ts';
import { deliver } from '../../functions/deliver/deliver.ts';
import { createModelStudio } from '../../functions/edge/modelstudio.ts';
import { createWebhooks } from '../../functions/edge/webhooks.ts';
import { type PollSettings, poll } from '../../functions/poll/poll.ts';
import type { LogFields, Stage, WakeUps, World } from '../../functions/ports.ts';
import { judgeText, judgeWrite, must } from './judge.ts';
import { Ledger, type QueueName } from './ledger.ts';
import { SimulatedModelStudio } from './modelstudio.ts';
import { Queue } from './queue.ts';
import { Receivers } from './receivers.ts';
import type { Simulation } from './simulation.ts';
import type { Worker } from './worker.ts';

/** Shorter than the deployed one, so that runs end; with no wait at all, and one that takes hops. */
export const WEBHOOK_SCHEDULE = [0, 0, 5, 60, 300, 2000];
const INDEX_PAGE_SIZE = 3;
const SKEW_MAX_MILLIS = 3000;
const POLLER_LIMITS = { deadlineMillis: limits.POLL_DEADLINE_MILLIS, maxBytes: limits.REPORT_MAX_BYTES.poll };
const COLLECTOR_LIMITS = {
  deadlineMillis: limits.COLLECT_DEADLINE_MILLIS,
  maxBytes: limits.REPORT_MAX_BYTES.collect,
};

export const settings = {
  apiUrl: 'https://api.example.com',
  webhookSchedule: WEBHOOK_SCHEDULE,
  retentionDays: 30,
  webhookRules: { ports: [], ownHost: 'api.example.com', loopback: false },
  defaultWebhookUrl: null,
  sweepMillis: limits.SWEEP_MILLIS,
};

/** Everything that outlives a worker, and the ports by which a worker reaches it. */
export class Cloud {
  readonly rows = new Map<string, Job>();
  readonly documents = new Map<string, string>();
  readonly clientKeys = new Map<string, ClientKey>();
  readonly modelStudio: SimulatedModelStudio;
  readonly receivers: Receivers;
  readonly ledger = new Ledger();
  readonly queues: Record<QueueName, Queue>;
  /** The current signing secret first. */
  signingSecrets = [`whsec_${Buffer.alloc(32, 1).toString('base64')}`];
  /** ModelStudio's key as Secrets Manager has it, and as workers remember it. */
  storedApiKey: string;
  #rememberedApiKey: string;
  /** Messages come on time in this run, and those that failed come again in time. */
  readonly isPunctual: boolean;
  /** What is known of jobs in this run: much, little or nothing, right or wrong. */
  readonly forecast: PollForecast;
  /** How many more polls of a second each there may be while a job seems younger than it is. */
  readonly pollsBySkew: number;
  readonly #overdue = new Map<string, number>();
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
    const { late, latency, indexLagMillis, skewMillis } = sim.faults;
    this.pollsBySkew = Math.ceil((4 * skewMillis) / 1000);
    this.isPunctual = late === 0 && latency === 0 && indexLagMillis === 0;
    const durations = Array.from({ length: sim.random.pick([0, 3, 64]) }, () => sim.random.between(1, 60));
    this.forecast = { durations, schedule: scheduleFor(durations), lagPerPollSeconds: 1 };
    this.modelStudio = new SimulatedModelStudio(sim);
    this.storedApiKey = this.modelStudio.apiKey;
    this.#rememberedApiKey = this.storedApiKey;
    this.receivers = new Receivers(sim, () => this.signingSecrets);
    const poller = (isCollector: boolean) => async (body: string, worker: Worker, isRepeat: boolean) =>
      poll(PollMessage.parse(JSON.parse(body)), isRepeat, this.world(worker, isCollector)).then(() => null);
    this.queues = {
      poll: new Queue(sim, 'poll', 1000 * limits.TIMEOUT_SECONDS.poll, poller(false)),
      collect: new Queue(sim, 'collect', 1000 * limits.TIMEOUT_SECONDS.collect, poller(true)),
      deliver: new Queue(sim, 'deliver', 1000 * limits.TIMEOUT_SECONDS.deliver, async (body, worker) =>
        deliver(DeliverMessage.parse(JSON.parse(body)), this.world(worker)),
      ),
    };
  }

  world(worker: Worker, isCollector = false): World & { settings: typeof settings & PollSettings } {
    const { clock } = worker;
    const { random } = this.#sim;
    return {
      jobs: this.#jobs(worker),
      clientJobs: this.#clientJobs(worker),
      durationStats: this.#durationStats(worker),
      overdue: this.#overduePages(worker),
      documents: this.#documentsOf(worker),
      wakeUps: this.#wakeUps(worker),
      modelStudio: createModelStudio({
        baseUrl: 'http://modelstudio',
        organizationId: 'org_1',
        apiKey: { get: (isStale) => this.#apiKey(worker, isStale) },
        clock,
        exchange: (request) =>
          worker.exchange(request, () => this.modelStudio.answer(request, (id) => worker.reportedOn.add(id))),
      }),
      webhooks: createWebhooks({
        rules: settings.webhookRules,
        signingSecrets: () => worker.call('secrets', () => this.signingSecrets),
        clock,
        exchange: (request) => worker.exchange(request, () => this.receivers.answer(request, worker)),
      }),
      clientKeys: { find: (sha256) => worker.call('keys.find', () => this.clientKeys.get(sha256) ?? null) },
      clock,
      random: { bytes: () => random.bytes(16), fraction: () => random.fraction() },
      log: {
        event: (stage, facts, measured) => this.#sim.judge(() => this.#tell(worker, stage, facts, measured)),
        aggregate: (stage, facts, measured) =>
          this.#sim.judge(() => this.#tell(worker, stage, facts, measured)),
      },
      settings: { ...settings, isCollector, reportLimits: isCollector ? COLLECTOR_LIMITS : POLLER_LIMITS },
    };
  }

  #jobs(worker: Worker): World['jobs'] {
    const { rows } = this;
    const holds = (job: Job, version: number) => {
      const row = rows.get(job.jobId);
      return row?.version === version && row.createdAt === job.createdAt;
    };
    return {
      find: (jobId) => worker.call('jobs.find', () => rows.get(jobId) ?? null),
      insert: (job) => worker.call('jobs.insert', () => !rows.has(job.jobId) && this.#write(job)),
      replace: (after) =>
        worker.call('jobs.replace', () => holds(after, after.version - 1) && this.#write(after)),
      remove: (job) => worker.call('jobs.remove', () => holds(job, job.version) && this.#erase(job)),
    };
  }

  #write(job: Job): true {
    const text = JSON.stringify(job);
    judgeText('a row', text);
    must(text.length < 100_000, 'I16', () => `the row of ${job.jobId} has ${text.length} bytes`);
    judgeWrite(this.rows.get(job.jobId), job);
    this.#judgeTruth(job);
    this.ledger.wrote(this.rows.get(job.jobId), job, this.#sim.now);
    this.#sim.note(`row ${job.jobId} v${job.version} ${job.status} ${job.webhook?.status ?? ''}`);
    this.rows.set(job.jobId, this.#asWrittenByPreviousVersion(job));
    this.#index(job.jobId);
    return true;
  }

  /** A job ends as ModelStudio ended it, or because its time was up. */
  #judgeTruth(job: Job): void {
    const before = this.rows.get(job.jobId);
    if (before?.status !== 'running' || job.status === 'running') return;
    const isUp = this.#sim.now + SKEW_MAX_MILLIS >= job.expiresAt;
    must(job.status !== 'expired' || isUp, 'I1', () => `${job.jobId} expires before its time`);
    const isAskedFor = this.ledger.cancels.has(job.jobId);
    must(job.status !== 'cancelled' || isAskedFor, 'I1', () => `${job.jobId} is cancelled by nobody`);
    if (job.status === 'failed' && job.error?.code === 'modelstudio_job_missing') this.#judgeMissing(before);
    if (job.status === 'completed') this.#judgeResults(job, before.upstreamJobId);
    const end = this.modelStudio.endOf(before.upstreamJobId);
    must(
      job.status !== 'completed' || end === 'completed',
      'I1',
      () => `${job.jobId} completes, ModelStudio: ${end}`,
    );
  }

  /** What has been seen is not taken for lost because somebody says that he does not know it. */
  #judgeMissing({ jobId, upstreamJobId }: RunningJob): void {
    must(this.modelStudio.hasForgotten(upstreamJobId), 'I1', () => `${jobId} is taken for lost and is not`);
    const repeats = this.queues.poll.repeats.get(jobId) ?? 0;
    const isSeen = this.ledger.seen.has(jobId) && repeats === 0;
    must(!isSeen, 'I1', () => `${jobId} was seen, and is taken for lost all the same`);
  }

  #judgeResults(job: FinishedJob, upstreamJobId: string): void {
    const { jobId, event, results, failedTasks } = job;
    const ref = results === null || results === 'in-event' ? event : results;
    const document = JSON.parse(this.documents.get(ref.key) ?? 'null');
    const entries = ref === event ? document.data.results : document;
    const given = entries.map((entry: { result: string | null }) => entry.result);
    // Once its time is up, a job is not asked about again for what its last report lacked.
    const isUp = job.finishedAt >= job.expiresAt;
    const expected = this.modelStudio
      .resultsOf(upstreamJobId)
      .map((result, index) => (isUp && given[index] === null ? null : result));
    if (expected.length === 0) return;
    must(String(given) === String(expected), 'I22', () =>
      `${jobId} has other results: ${given}, not ${expected}`.slice(0, 300),
    );
    const missing = expected.filter((result) => result === null).length;
    must(failedTasks === missing, 'I22', () => `${jobId} has ${failedTasks} failed tasks, not ${missing}`);
  }

  #erase(job: Job): true {
    must(job.status === 'submitting', 'I5', () => `${job.jobId} is removed while ${job.status}`);
    this.#sim.note(`row ${job.jobId} removed`);
    this.rows.delete(job.jobId);
    this.#index(job.jobId);
    return true;
  }

  #asWrittenByPreviousVersion(job: Job): Job {
    if (job.status !== 'running' || !this.#sim.random.happens(this.#sim.faults.previousVersion)) return job;
    const { isSeen, doubt, ...older } = job;
    return older as Job;
  }

  #index(jobId: string): void {
    const { random, faults, timeline } = this.#sim;
    const update = () => {
      const job = this.rows.get(jobId);
      const at = job ? overdueAt(job) : null;
      if (at === null) this.#overdue.delete(jobId);
      else this.#overdue.set(jobId, at);
    };
    if (faults.indexLagMillis === 0) update();
    else timeline.after(random.between(0, faults.indexLagMillis), update);
  }

  /** Whether a sweep would find anything. */
  isAnyOverdue(now: number): boolean {
    return [...this.#overdue.values()].some((at) => at <= now);
  }

  #durationStats(worker: Worker): World['durationStats'] {
    const { forecast } = this;
    const harmless = <T>(act: Promise<T>, otherwise: T) => act.catch(() => otherwise);
    return {
      forecast: () =>
        harmless(
          worker.call('durationStats.forecast', () => forecast),
          forecast,
        ),
      record: (_kind, seconds) =>
        worker
          .call('durationStats.record', () => {
            must(
              seconds > 0 && Number.isFinite(seconds),
              'I16',
              () => `a duration of ${seconds} s is learnt`,
            );
          })
          .catch(() => undefined),
      throttled: () => Promise.resolve(),
    };
  }

  #clientJobs(worker: Worker): World['clientJobs'] {
    return {
      page: (client, from, to, limit) =>
        worker.call('clientJobs.page', () => {
          const own = [...this.rows.values()].filter((job) => job.client === client);
          const inRange = own.filter((job) => listKeyOf(job) < from && listKeyOf(job) >= to);
          inRange.sort((a, b) => (listKeyOf(a) < listKeyOf(b) ? 1 : -1));
          const jobs = inRange.slice(0, limit);
          const last = jobs.at(-1);
          return { jobs, end: last && inRange.length > limit ? listKeyOf(last) : null };
        }),
    };
  }

  #overduePages(worker: Worker): World['overdue'] {
    const overdue = this.#overdue;
    return {
      async *pages(shard, now) {
        const ids = await worker.call('overdue.pages', () =>
          [...overdue]
            .filter(([jobId, at]) => shardOf(jobId) === shard && at <= now)
            .sort(([, a], [, b]) => a - b)
            .map(([jobId]) => jobId),
        );
        for (let i = 0; i < ids.length; i += INDEX_PAGE_SIZE) yield ids.slice(i, i + INDEX_PAGE_SIZE);
      },
    };
  }

  #documentsOf(worker: Worker): World['documents'] {
    const { documents } = this;
    return {
      save: (key, json) =>
        worker.call('documents.save', () => {
          must(!documents.has(key), 'I3', () => `the document ${key} is written twice`);
          judgeText('a document', json);
          documents.set(key, json);
          return { store: 'table', key } as const;
        }),
      load: ({ key }) =>
        worker.call('documents.load', () => {
          const json = documents.get(key);
          must(json !== undefined, 'I3', () => `the document ${key} is missing`);
          return json;
        }),
      setAside: (_key, content) =>
        worker.call('documents.setAside', () => {
          judgeText('a document', content.toString());
        }),
      link: async ({ key }) => `https://bucket.example.com/${key}`,
    };
  }

  #wakeUps(worker: Worker): WakeUps {
    const send = (queue: QueueName, message: object, delaySeconds: number) =>
      worker.call(`send to ${queue}`, () => {
        const { random, faults } = this.#sim;
        const { attempts, isSeen, ...older } = message as { attempts?: number; isSeen?: boolean };
        const body = JSON.stringify(random.happens(faults.previousVersion) ? older : message);
        judgeText('a message', body);
        this.#sim.note(`${worker.name} sends to ${queue} in ${delaySeconds} s: ${body}`);
        if (worker.name === 'sweep' && queue === 'deliver') this.#judgeLostDelivery(JSON.parse(body).jobId);
        this.ledger.sent(queue, body);
        const { jobId, upstreamJobId } = JSON.parse(body);
        if (worker.reportedOn.has(upstreamJobId)) this.ledger.seen.add(jobId);
        this.queues[queue].send(body, delaySeconds);
      });
    return {
      poll: (message, delaySeconds) => send('poll', message, delaySeconds),
      collect: (message, delaySeconds) => send('collect', message, delaySeconds),
      deliver: (message, delaySeconds) => send('deliver', message, delaySeconds),
    };
  }

  /** One failure never breaks a chain of deliveries either: unless messages are late, the failed one comes again before the sweeper. */
  #judgeLostDelivery(jobId: string): void {
    const job = this.rows.get(jobId);
    const expectedWakeUp = job?.webhook?.status === 'pending' ? job.webhook.expectedWakeUp : null;
    if (!this.isPunctual || expectedWakeUp === null || !this.ledger.tokens.has(expectedWakeUp.token)) return;
    const failures = this.queues.deliver.failures.get(jobId) ?? 0;
    must(failures > 1, 'I12', () => `the deliveries of ${jobId} broke off after ${failures} failures`);
  }

  #apiKey(worker: Worker, isStale: boolean): Promise<string> {
    if (!isStale) return Promise.resolve(this.#rememberedApiKey);
    return worker.call('secrets', () => {
      this.#rememberedApiKey = this.storedApiKey;
      return this.storedApiKey;
    });
  }

  #tell(worker: Worker, stage: Stage, facts: LogFields, measured: MetricValues = {}): void {
    for (const [name, value] of Object.entries(measured)) this.#sim.count(name, value);
    const text = JSON.stringify(facts);
    judgeText('a log line', text);
    this.#sim.note(`${worker.name} tells: ${stage} ${text}`);
    if (facts.outcome === 'wake_up_unsent' && facts.job_id) this.ledger.unsent.add(facts.job_id);
    if (stage === 'sweep' && facts.job_id) this.#judgeRescue(facts.job_id, facts.outcome);
  }

  /** One failure never breaks a chain: unless messages are late, the failed one comes again before the sweeper. */
  #judgeRescue(jobId: string, outcome: string): void {
    this.ledger.rescued(jobId);
    const { isPunctual, queues } = this;
    const failures = (queues.poll.failures.get(jobId) ?? 0) + (queues.collect.failures.get(jobId) ?? 0);
    const isHandedOver = this.ledger.handedOver.has(jobId);
    const isBroken =
      (outcome === 'lost_poll' && failures <= 1) ||
      (outcome === 'lost_expiry' && failures === 0 && !isHandedOver);
    const isAccountedFor = !isPunctual || this.ledger.unsent.has(jobId);
    must(isAccountedFor || !isBroken, 'I12', () => `the chain of ${jobId} broke after ${failures} failures`);
  }
}
