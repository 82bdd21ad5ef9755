import { isDeepStrictEqual } from 'node:util';
import type { Job, RunningJob } from '../../../functions/core/job.ts';
import type { Invocation } from '../invocation.ts';
import { must } from '../judge.ts';
import { verdictOn } from './create.ts';
import type { Model } from './model.ts';
import { canonical, readWanted } from './request.ts';
import type { Visit } from './visit.ts';

const MINUTE = 60_000;
/** How long a submission is somebody's, and when the sweeper comes for one that nobody goes on with. */
export const LEASE_MILLIS = MINUTE;
export const ABANDONED_MILLIS = 15 * MINUTE;
export const FIRST_WAIT_MAX_SECONDS = 600;

/** The row of a new job, before anybody has been asked for anything. */
export function judgeInserted(row: Job, visit: Visit, door: Model) {
  const wanted = readWanted(visit.request, visit.client);
  const { jobId, createdAt } = row;
  const is = (what: string, holds: boolean) =>
    must(holds, 'I10', () => `the row of ${jobId} has another ${what} than was asked for`);
  if ('code' in wanted) return is('request', false);
  door.wanted.set(jobId, canonical(wanted));
  is('client', row.client === visit.client);
  is('model', row.modelId === wanted.model_id);
  is('number of tasks', row.totalTasks === wanted.messages.length);
  is('metadata', isDeepStrictEqual({ ...row.metadata }, wanted.metadata));
  is('expiry', row.expiresAt - createdAt === wanted.expires_in * 1000);
  const { skewMillis, now } = door;
  is('time', createdAt >= visit.startedAt - skewMillis && createdAt <= now + skewMillis);
  const { webhook_url: url = door.sim.scene.defaultWebhookUrl, destination } = wanted;
  is('webhook', (row.webhook?.url ?? null) === (destination ?? url));
  is('kind of webhook', (row.webhook?.destination ?? false) === (destination !== undefined));
  const { status, attempts = 0, attemptsBefore = 0, log = [] } = row.webhook ?? {};
  is(
    'round of its webhook',
    (status ?? 'pending') === 'pending' && attempts + attemptsBefore + log.length === 0,
  );
  is('state', row.status === 'submitting' && row.version === 1 && row.updatedAt === createdAt);
  const leaseMillis = row.status === 'submitting' ? row.leaseUntil - createdAt : 0;
  is('lease', leaseMillis >= MINUTE / 2 && leaseMillis <= LEASE_MILLIS);
  is(
    'deadline',
    row.wakeUpDeadline - createdAt <= ABANDONED_MILLIS &&
      row.wakeUpDeadline - createdAt > FIRST_WAIT_MAX_SECONDS * 1000,
  );
}

/** Only what was never created is forgotten. */
export function judgeRemoved(jobId: string, { creates, rows }: Invocation) {
  const isOwn = rows.some(({ before, after }) => before === null && after?.jobId === jobId);
  const isRefused = creates.every((create) => verdictOn(create).isRefused);
  must(isOwn && isRefused, 'I4', () => `${jobId} is forgotten, and may have been created`);
}

/** What the submitter writes of the job that ModelStudio has created. */
export function judgeStarted(row: RunningJob, visit: Visit, { creates }: Invocation) {
  const given = creates.at(-1)?.upstreamJobId;
  const { jobId, upstreamJobId, completedTasks, isSeen, expectedWakeUp } = row;
  must(upstreamJobId === given, 'I10', () => `${jobId} is ${upstreamJobId} at ModelStudio, not ${given}`);
  const isNew = completedTasks === 0 && !isSeen && expectedWakeUp.seq === 1 && row.version === 2;
  must(isNew, 'I10', () => `${jobId} has not begun at the beginning`);
  must(
    row.updatedAt >= row.createdAt && row.updatedAt - visit.startedAt < 10 * MINUTE,
    'I10',
    () => `${jobId} was started at ${row.updatedAt}`,
  );
}
