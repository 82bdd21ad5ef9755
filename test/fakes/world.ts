import type { ClientKey } from '../../functions/core/http/client-key.ts';
import { listKeyOf } from '../../functions/core/http/list-cursor.ts';
import type { Submission } from '../../functions/core/http/submission.ts';
import { endOfLife, type Job } from '../../functions/core/job.ts';
import type { DeliverMessage, PollMessage } from '../../functions/core/messages.ts';
import type { MetricValues } from '../../functions/core/metrics.ts';
import { scheduleFor } from '../../functions/core/polling/forecast.ts';
import { overdueAt, shardOf } from '../../functions/core/polling/overdue.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import type { Report } from '../../functions/core/upstream/report.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import type {
  ClientJobs,
  ClientKeys,
  Clock,
  Documents,
  DurationStats,
  Jobs,
  LogFields,
  Overdue,
  Stage,
  WakeUps,
  World,
} from '../../functions/ports.ts';

/** A port's answers for one test: each call takes the next one; the last one stays. */
function script<T>(answers: T[]): () => T {
  return () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) throw new Error('The script of this fake is empty');
    return answer;
  };
}

export const RETENTION_DAYS = 30;

const isOver = (job: Job, { now }: Clock) => endOfLife(job, RETENTION_DAYS) * 1000 <= now();
const FOR_EVER: Clock = { now: () => 0 };

export function fakeJobs(clock = FOR_EVER): Jobs & { rows: Map<string, Job> } {
  const rows = new Map<string, Job>();
  const live = (jobId: string) => {
    const job = rows.get(jobId);
    return job && !isOver(job, clock) ? job : undefined;
  };
  const holds = (job: Job, version: number) => {
    const row = rows.get(job.jobId);
    return row?.version === version && row.createdAt === job.createdAt;
  };
  return {
    rows,
    find: async (jobId) => structuredClone(live(jobId)) ?? null,
    async insert(job) {
      if (live(job.jobId)) return false;
      rows.set(job.jobId, structuredClone(job));
      return true;
    },
    async replace(after) {
      if (!holds(after, after.version - 1)) return false;
      rows.set(after.jobId, structuredClone(after));
      return true;
    },
    async remove(job) {
      return holds(job, job.version) && rows.delete(job.jobId);
    },
  };
}

export function fakeClientJobs(rows: ReadonlyMap<string, Job>, clock = FOR_EVER): ClientJobs {
  return {
    async page(client, from, to, limit) {
      const own = [...rows.values()].filter((job) => job.client === client);
      const inRange = own.filter((job) => listKeyOf(job) < from && listKeyOf(job) >= to);
      inRange.sort((a, b) => (listKeyOf(a) < listKeyOf(b) ? 1 : -1));
      const page = inRange.slice(0, limit);
      const last = page.at(-1);
      const jobs = structuredClone(page.filter((job) => !isOver(job, clock)));
      return { jobs, end: last && inRange.length > limit ? listKeyOf(last) : null };
    },
  };
}

export function fakeOverdue(rows: ReadonlyMap<string, Job>): Overdue {
  return {
    async *pages(shard, now) {
      const overdue = [...rows.values()].filter((job) => shardOf(job.jobId) === shard && isOverdue(job, now));
      overdue.sort((a, b) => Number(overdueAt(a)) - Number(overdueAt(b)));
      for (let start = 0; start < overdue.length; start += 100) {
        yield overdue.slice(start, start + 100).map((job) => job.jobId);
      }
    },
  };
}

function isOverdue(job: Job, now: number): boolean {
  const at = overdueAt(job);
  return at !== null && at <= now;
}

export function fakeDocuments(): Documents & { contents: Map<string, string> } {
  const contents = new Map<string, string>();
  const load = (key: string) => {
    const json = contents.get(key);
    if (json === undefined) throw new Error(`There is no document ${key}`);
    return json;
  };
  return {
    contents,
    async save(key, json) {
      if (contents.has(key)) throw new Error(`The document ${key} is there already`);
      contents.set(key, json);
      return { store: Buffer.byteLength(json) > 65_536 ? 'bucket' : 'table', key };
    },
    load: async ({ key }) => load(key),
    async setAside(key, content) {
      contents.set(key, content.toString());
    },
    async link({ store, key }) {
      if (store !== 'bucket') throw new Error('Only documents in the bucket have links');
      return `data:application/json,${encodeURIComponent(load(key))}`;
    },
  };
}

export type Sent =
  | { queue: 'poll' | 'collect'; message: PollMessage; delaySeconds: number }
  | { queue: 'deliver'; message: DeliverMessage; delaySeconds: number };

export function fakeWakeUps(): WakeUps & { sent: Sent[] } {
  const sent: Sent[] = [];
  const send = async (wakeUp: Sent) => {
    const { delaySeconds } = wakeUp;
    const isDelay = Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= 900;
    if (!isDelay) throw new Error(`A queue takes no delay of ${delaySeconds} s`);
    sent.push(wakeUp);
  };
  return {
    sent,
    poll: (message, delaySeconds) => send({ queue: 'poll', message, delaySeconds }),
    collect: (message, delaySeconds) => send({ queue: 'collect', message, delaySeconds }),
    deliver: (message, delaySeconds) => send({ queue: 'deliver', message, delaySeconds }),
  };
}

export function fakeDurationStats(
  durations: number[] = [],
): DurationStats & { learnt: [kind: string, seconds: number][]; refusals: number } {
  const forecast = { durations, schedule: scheduleFor(durations), lagPerPollSeconds: 1 };
  const durationStats = {
    learnt: [] as [string, number][],
    refusals: 0,
    forecast: async () => forecast,
    async record(kind: string, seconds: number) {
      durationStats.learnt.push([kind, seconds]);
    },
    async throttled() {
      durationStats.refusals += 1;
    },
  };
  return durationStats;
}

export function fakeClientKeys(...keys: ClientKey[]): ClientKeys {
  return { find: async (sha256) => keys.find((key) => key.sha256 === sha256) ?? null };
}

export interface Scripts {
  creations?: CreateResult[];
  reports?: Report[];
  exchanges?: AttemptOutcome[];
  clientKeys?: ClientKey[];
  durations?: number[];
}

/** The whole world in memory. Time stands still but for `clock.time`; chance repeats itself. */
export function fakeWorld(scripts: Scripts = {}) {
  const nextCreation = script(scripts.creations ?? [{ kind: 'created', upstreamJobId: 'up-1' }]);
  const nextReport = script<Report>(scripts.reports ?? []);
  const nextExchange = script<AttemptOutcome>(scripts.exchanges ?? []);
  const clock = { time: Date.UTC(2026, 0, 1), now: () => clock.time };
  let drawn = 0;
  const created: Submission[] = [];
  const posted: { id: string; url: string; body: string; at: number }[] = [];
  const told: (LogFields & { stage: Stage })[] = [];
  const metrics: MetricValues = {};
  const tell = (stage: Stage, facts: LogFields, adds: MetricValues = {}) => {
    told.push({ stage, ...facts });
    for (const [name, value] of Object.entries(adds)) {
      const metric = name as keyof MetricValues;
      metrics[metric] = (metrics[metric] ?? 0) + value;
    }
  };
  const jobs = fakeJobs();
  return {
    jobs,
    clientJobs: fakeClientJobs(jobs.rows),
    overdue: fakeOverdue(jobs.rows),
    documents: fakeDocuments(),
    wakeUps: fakeWakeUps(),
    modelStudio: {
      async create(submission: Submission) {
        created.push(submission);
        return nextCreation();
      },
      report: async () => nextReport(),
    },
    durationStats: fakeDurationStats(scripts.durations),
    clientKeys: fakeClientKeys(...(scripts.clientKeys ?? [])),
    webhooks: {
      async send(webhook: { id: string; url: string }, body: string) {
        posted.push({ ...webhook, body, at: clock.time });
        return nextExchange();
      },
    },
    clock,
    random: {
      bytes: () => Buffer.alloc(16, ++drawn),
      fraction: () => 0.5,
    },
    log: { event: tell, aggregate: tell },
    settings: {
      apiUrl: 'https://api.example.com',
      webhookSchedule: [0, 5, 300, 1800],
      retentionDays: RETENTION_DAYS,
      webhookRules: { ports: [], ownHost: null, loopback: false },
      defaultWebhookUrl: null,
      isCollector: false,
      reportLimits: { deadlineMillis: 10_000, maxBytes: 10_000 },
      sweepMillis: 45_000,
    },
    created,
    posted,
    told,
    metrics,
  } satisfies World & Record<string, unknown>;
}
