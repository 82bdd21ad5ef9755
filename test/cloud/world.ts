import { marshall } from '@aws-sdk/util-dynamodb';
import type { ClientKey } from '../../functions/core/http/client-key.ts';
import type { Generation } from '../../functions/core/http/generation-request.ts';
import type { LogFields, Stage } from '../../functions/core/log.ts';
import type { CreateMessage, DeliverMessage, PollMessage } from '../../functions/core/messages.ts';
import type { MetricValues } from '../../functions/core/metrics.ts';
import { DEFAULT_PART_LIMITS } from '../../functions/core/parts/parts.ts';
import { forecastOf, type Span } from '../../functions/core/polling/forecast.ts';
import type { CreateResult } from '../../functions/core/upstream/create-result.ts';
import type { Report } from '../../functions/core/upstream/report.ts';
import type { AttemptOutcome } from '../../functions/core/webhook/attempt.ts';
import type { DestinationRights } from '../../functions/core/webhook/destination.ts';
import type { Delivery, DurationStats, World } from '../../functions/ports.ts';
import { atOnce, clientsOf } from './clients.ts';
import { Cloud } from './cloud.ts';
import { Contents, exactly, Rows } from './contents.ts';
import { portsOver, RETENTION_DAYS } from './ports.ts';

/** A port's answers for one test: each call takes the next one; the last one stays. */
function script<T>(answers: T[]): () => T {
  return () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined) throw new Error('The script of this fake is empty');
    return answer;
  };
}

export type Sent =
  | { queue: 'poll' | 'collect'; message: PollMessage; delaySeconds: number }
  | { queue: 'create'; message: CreateMessage; delaySeconds: number }
  | { queue: 'deliver'; message: DeliverMessage; delaySeconds: number };

export function fakeDurationStats(
  durations: number[] = [],
): DurationStats & { learnt: [kind: string, took: Span][]; refusals: number } {
  const forecast = { ...forecastOf(durations.map(exactly)), lagPerPollSeconds: 1 };
  const durationStats = {
    learnt: [] as [string, Span][],
    refusals: 0,
    forecast: async () => forecast,
    enroll: async () => 7,
    async record(kind: string, _slot: number, _submittedAt: number, took: Span) {
      durationStats.learnt.push([kind, took]);
    },
    async throttled() {
      durationStats.refusals += 1;
    },
  };
  return durationStats;
}

export interface Scripts {
  creations?: CreateResult[];
  reports?: Report[];
  exchanges?: AttemptOutcome[];
  clientKeys?: ClientKey[];
  durations?: number[];
  jobsAtOnce?: number;
}

/**
 * The whole world in memory: AWS simulated beneath the edge's own code, ModelStudio and the receivers by their scripts.
 * Time stands still but for `clock.time`; chance repeats itself.
 */
export function fakeWorld(scripts: Scripts = {}) {
  const nextCreation = script(scripts.creations ?? [{ kind: 'created', upstreamJobId: 'up-1' }]);
  const nextReport = script<Report>(scripts.reports ?? []);
  const nextExchange = script<AttemptOutcome>(scripts.exchanges ?? []);
  const clock = { time: Date.UTC(2026, 0, 1), now: () => clock.time };
  let drawn = 0;
  const created: Generation[] = [];
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
  const cloud = cloudAtRest(scripts.clientKeys);
  const { jobsAtOnce = null } = scripts;
  const log = { event: tell, aggregate: tell };
  const ports = portsOver(cloud, clientsOf(cloud, atOnce), { clock, jobsAtOnce, lanes: { log } });
  return {
    ...ports,
    cloud,
    jobs: Object.assign(ports.jobs, { rows: new Rows(cloud) }),
    documents: Object.assign(ports.documents, { contents: new Contents(cloud) }),
    wakeUps: Object.assign(ports.wakeUps, { sent: sentIn(cloud) }),
    modelStudio: {
      async create(generation: Generation) {
        created.push(generation);
        return nextCreation();
      },
      report: async () => nextReport(),
    },
    durationStats: fakeDurationStats(scripts.durations),
    webhooks: {
      async send(webhook: Delivery, body: string) {
        posted.push({ ...webhook, body, at: clock.time });
        return nextExchange();
      },
    },
    clock,
    partsAtOnce: 3,
    async sleep(millis: number) {
      clock.time += millis;
    },
    random: {
      bytes: () => Buffer.alloc(16, ++drawn),
      fraction: () => 0.5,
    },
    log,
    settings: {
      apiUrl: 'https://api.example.com',
      webhookSchedule: [0, 5, 300, 1800],
      retentionDays: RETENTION_DAYS,
      webhookRules: { ports: [], ownHost: null, loopback: false },
      defaultWebhookUrl: null as string | null,
      destinations: [] as DestinationRights[],
      defaultDestination: null as string | null,
      queueForSeconds: 0,
      allowResubmit: false,
      partLimits: DEFAULT_PART_LIMITS,
      forwardTracestate: false,
      isCollector: false,
      reportLimits: { deadlineMillis: 10_000, maxBytes: 10_000 },
    },
    created,
    posted,
    told,
    metrics,
  } satisfies World & Record<string, unknown>;
}

/** No function is fed from its queues, and no time passes. */
export function cloudAtRest(keys: ClientKey[] = []): Cloud {
  const cloud = new Cloud({ time: { now: 0, after: () => undefined } });
  for (const key of keys) cloud.tables.clientKeys.put(marshall(key));
  return cloud;
}

/** All that is sent from now on. */
export function sentIn(cloud: Cloud): Sent[] {
  const sent: Sent[] = [];
  cloud.onSend = (queue, body, delaySeconds) => {
    const { format, ...message } = JSON.parse(body);
    sent.push({ queue, message, delaySeconds } as Sent);
  };
  return sent;
}
