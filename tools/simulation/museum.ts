import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../functions/core/http/client-key.ts';
import type { FinishedJob, SettledWebhook } from '../../functions/core/job.ts';
import { Gateway } from './gateway.ts';
import { Random } from './random.ts';
import { type Simulation, START } from './simulation.ts';
import type { System } from './system.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const ENDS = ['exhausted', 'exhausted', 'gone', 'blocked'] as const;

/** A job that ended so long ago that its retention ends in this run, while its webhook is still being delivered, and its app asks for more. */
export function keepOldJob(sim: Simulation, system: System): void {
  const random = new Random(sim.seed + 5);
  if (sim.isQuiet || !random.happens(0.08)) return;
  const { key, record } = newClientKey('museum', ['jobs:read', 'jobs:write'], random.bytes(48), sim.now);
  system.cloud.tables.clientKeys.put(marshall(record));
  const endsAt = START + random.between(4, 15) * MINUTE;
  const job = oldJob(endsAt - sim.scene.retentionDays * DAY, random.pick([1, 1, 19]));
  system.contents.set(
    job.event.key,
    `{"type":"job.completed","data":{"job_id":"${job.jobId}","results":[],"results_url":null}}`,
  );
  void system.jobs.insert(job);
  const wakeUp = job.webhook?.status === 'pending' ? job.webhook.expectedWakeUp : null;
  system.ledger.tokens.add(wakeUp?.token ?? '');
  system.cloud.queues.deliver.send(JSON.stringify({ jobId: job.jobId, wakeUp, attempts: 0 }), 60);
  const gateway = new Gateway(sim, system);
  const ask = (method: string, path: string) =>
    gateway.ask(
      { method, path: `/v1/jobs/${job.jobId}${path}`, headers: { authorization: `Bearer ${key}` }, body: '' },
      () => undefined,
    );
  for (const millis of [-90_000, -2000, 5000, 70_000, 200_000, 400_000]) {
    sim.time.after(endsAt + millis - START, () => ask('POST', '/redeliver'));
    sim.time.after(endsAt + millis - START + 100, () => ask('GET', ''));
  }
}

/** Older than a crowd of others, and not like them. */
export function keepOldJobs(client: string, { jobs }: System): void {
  for (let i = 0; i < 5; i++) {
    const job = oldJob(START - 180 * MINUTE, 0);
    void jobs.insert({ ...job, jobId: `job_old_${i}`, client, webhook: null });
  }
}

/** Of an outage of days: webhooks that have ended in vain, after a few attempts or after as many as a log keeps. */
export function keepVainJobs(client: string, random: Random, system: System, attemptsPerRound: number): void {
  for (let i = 0; i < 6; i++) {
    const jobId = `job_vain_${i}`;
    const old = oldJob(START - DAY, 0);
    const event = { ...old.event, key: `events/${jobId}/a.json` };
    const isRedelivered = random.happens(0.5);
    const attempts = isRedelivered ? 100 : attemptsPerRound;
    const webhook: SettledWebhook = {
      id: `msg_vain_${i}`,
      url: `https://${random.pick(['a', 'a', 'b'])}.example.com/${random.pick(['up', 'up', 'down'])}`,
      attempts,
      attemptsBefore: attempts - attemptsPerRound,
      ...(isRedelivered && { redelivered: { rounds: 9, at: old.finishedAt } }),
      log: Array.from({ length: attempts }, (_, number) => ({
        ...{ attempt: number + 1, at: old.finishedAt + number, status: 500, error: null },
        ...{ durationMillis: 1, nextAttemptAt: null },
      })),
      status: random.pick(ENDS),
      lastSeq: attempts,
    };
    const body = `{"type":"job.completed","data":{"job_id":"${jobId}","results":[],"results_url":null}}`;
    system.contents.set(event.key, body);
    system.receivers.keepVain(webhook.id, body, attempts);
    void system.jobs.insert({ ...old, jobId, client, event, webhook });
  }
}

function oldJob(finishedAt: number, rounds: number): FinishedJob {
  const dueAt = START + MINUTE;
  return {
    jobId: 'job_old',
    client: 'museum',
    modelId: 'm',
    totalTasks: 1,
    metadata: {},
    fingerprint: 'f',
    createdAt: finishedAt - MINUTE,
    updatedAt: finishedAt,
    expiresAt: finishedAt + MINUTE,
    wakeUpDeadline: dueAt + 15 * MINUTE,
    version: 3,
    status: 'completed',
    completedTasks: 1,
    failedTasks: 0,
    finishedAt,
    error: null,
    event: { store: 'table', key: 'events/job_old/a.json' },
    results: 'in-event',
    webhook: {
      id: 'msg_old',
      url: 'https://hooks.example.com/down',
      attempts: 0,
      attemptsBefore: 0,
      ...(rounds > 0 && { redelivered: { rounds, at: START - 60 * MINUTE } }),
      log: [],
      status: 'pending',
      leaseUntil: null,
      expectedWakeUp: { seq: 1, token: 'old', dueAt },
    },
  };
}
