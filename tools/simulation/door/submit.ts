import { isFinished, type Job, type RunningJob } from '../../../functions/core/job.ts';
import { nextPollSeconds } from '../../../functions/core/polling/next-poll.ts';
import type { Invocation } from '../invocation.ts';
import { must, PROMPT } from '../judge.ts';
import type { Said } from './answer.ts';
import { verdictOn } from './create.ts';
import { judgeSetOff, judgeShown } from './jobs.ts';
import { judgeNothingDone, type Model } from './model.ts';
import { canonical, readWanted, type Wanted } from './request.ts';
import { ABANDONED_MILLIS, FIRST_WAIT_MAX_SECONDS, LEASE_MILLIS } from './rows.ts';
import { judgeTold } from './told.ts';
import type { Visit } from './visit.ts';

/** A wake-up counts as lost so long after it was due. */
const LOST_MILLIS = 5 * 60_000;

export function judgeSubmission(visit: Visit, said: Said, invocation: Invocation, door: Model) {
  const wanted = readWanted(visit.request, visit.client);
  const { rows, creates } = invocation;
  if ('code' in wanted) return judgeRefused(wanted, visit, said, invocation);
  const isEarly = ['invalid_request', 'unsupported_media_type', 'too_large'].includes(said.code);
  must(!isEarly, 'I10', () => `a request that is right is refused: ${said.text}`);
  const inserted = rows.find(({ before, after }) => before === null && after !== null)?.after ?? null;
  if (inserted === null) {
    must(creates.length === 0, 'I4', () => 'a job is created before its row is there');
    return judgeReplay(visit, said, wanted, invocation, door);
  }
  const last = creates.at(-1);
  must(
    last !== undefined,
    'I10',
    () => `${inserted.jobId} is answered with ${said.status}, and ModelStudio was not asked`,
  );
  const verdict = verdictOn(last);
  const { status, code } = verdict;
  must(
    said.status === status && said.code === code,
    'I10',
    () => `${inserted.jobId} is ${verdict.kind} and is answered with ${said.status} ${said.code}`,
  );
  must(
    said.headers['idempotency-replayed'] === undefined,
    'I10',
    () => `${inserted.jobId} is new, and called a replay`,
  );
  judgeTold(inserted, verdict, visit, invocation, door);
  if (verdict.kind === 'created') return judgeCreated(inserted, visit, said, invocation, door);
  const row = door.since(inserted.jobId, door.now).at(-1) ?? null;
  if (verdict.isRefused) {
    // Another worker may have inserted it anew, at the same moment.
    const isAnew = row?.version === 1 && row !== inserted;
    const isGone = row?.createdAt !== inserted.createdAt || isAnew;
    must(isGone, 'I10', () => `${inserted.jobId} was refused by ${code}, and its row is there`);
    must(
      verdict.retryAfter === said.retryAfter,
      'I10',
      () => `${code} asks for ${said.retryAfter} s, not ${verdict.retryAfter}`,
    );
    const isSaid =
      verdict.sentence === null ? !said.text.includes(PROMPT) : said.json.detail === verdict.sentence;
    return must(isSaid, 'I10', () => `${code} says ${said.json.detail}, not ${verdict.sentence}`);
  }
  must(said.json.job_id === inserted.jobId, 'I20', () => `${inserted.jobId} is called ${said.json.job_id}`);
  must(
    said.headers['x-should-retry'] === 'false',
    'I4',
    () => `a client may repeat ${inserted.jobId} by itself`,
  );
  // Its client may have deleted it since.
  const ended = door.since(inserted.jobId, visit.startedAt).findLast((at) => at !== null && isFinished(at));
  must(
    !!ended && isFinished(ended),
    'I10',
    () => `nobody knows what became of ${inserted.jobId}, and it is ${row?.status}`,
  );
  judgeSetOff(ended, invocation, door);
}

function judgeRefused(
  fault: { code: string; isOfKey: boolean },
  visit: Visit,
  said: Said,
  invocation: Invocation,
) {
  must(
    said.code === fault.code,
    'I10',
    () => `a request is answered with ${said.status} ${said.code}, not ${fault.code}`,
  );
  judgeNothingDone(visit, invocation);
  if (fault.code !== 'invalid_request') return;
  const errors: { pointer: string; message: string }[] = said.json.errors;
  const isTold = errors.some(({ message }) => message.includes('Idempotency-Key'));
  must(errors.length > 0 && isTold === fault.isOfKey, 'I10', () => `the faults are ${said.text}`);
}

function judgeCreated(inserted: Job, visit: Visit, said: Said, invocation: Invocation, door: Model) {
  const { jobId, createdAt } = inserted;
  const { sent, told, failures, rows } = invocation;
  judgeAccepted(jobId, visit, said, invocation, door);
  const unsent = failures.some((what) => what.startsWith('SendMessageBatch'));
  const isTold = told.some(({ facts }) => facts.outcome === 'wake_up_unsent' && facts.job_id === jobId);
  must(
    unsent === isTold,
    'I12',
    () => `the log says of the first wake-up of ${jobId}: ${isTold ? 'unsent' : 'sent'}`,
  );
  const bodies = new Set(sent.map(({ body }) => body));
  must(
    bodies.size === 1 || (unsent && bodies.size === 0),
    'I12',
    () => `${jobId} is begun with ${bodies.size} wake-ups`,
  );
  const row = rows.map(({ after }) => after).find((after) => after?.status === 'running');
  if (row?.status === 'running') judgeWatch(row, unsent);
  for (const { queue, body, delaySeconds } of sent) {
    const message = JSON.parse(body);
    const { dueAt, seq, token } = message.wakeUp;
    const at = dueAt - delaySeconds * 1000;
    const is = (what: string, holds: boolean) =>
      must(holds, 'I12', () => `the first wake-up of ${jobId}: ${what} of ${body}`);
    is('queue', queue === 'poll');
    is('job', message.jobId === jobId && message.upstreamJobId === invocation.creates.at(-1)?.upstreamJobId);
    is(
      'place',
      seq === 1 && message.recordedToken === token && message.pollsSinceRecord === 0 && !message.isSeen,
    );
    is('time', at >= visit.startedAt - door.skewMillis && at <= door.now + door.skewMillis);
    is('age', message.polledAt === createdAt);
    is('row', row?.status !== 'running' || row.expectedWakeUp.token === token);
    const { forecast } = invocation;
    if (forecast === null) continue;
    const progress = {
      ageMillis: at - createdAt,
      leftMillis: inserted.expiresAt - at,
      completedTasks: 0,
      totalTasks: inserted.totalTasks,
    };
    const seconds = Math.min(FIRST_WAIT_MAX_SECONDS, nextPollSeconds(progress, forecast));
    is('wait', delaySeconds === seconds);
  }
}

/** The sweeper comes for a wake-up that is lost, and at once for one that was never sent. */
function judgeWatch({ jobId, expectedWakeUp, wakeUpDeadline, createdAt }: RunningJob, unsent: boolean) {
  const { dueAt } = expectedWakeUp;
  const isWatched = unsent
    ? wakeUpDeadline <= dueAt
    : wakeUpDeadline >= dueAt + LOST_MILLIS &&
      wakeUpDeadline <= Math.max(createdAt, dueAt) + ABANDONED_MILLIS;
  must(
    isWatched,
    'I12',
    () => `the sweeper comes to ${jobId} ${(wakeUpDeadline - dueAt) / 1000} s after its wake-up`,
  );
}

/** A 202 shows the job as it is. */
function judgeAccepted(jobId: string, visit: Visit, said: Said, invocation: Invocation, door: Model) {
  const { location } = said.headers;
  must(location === `/v1/jobs/${jobId}`, 'I10', () => `${jobId} is said to be at ${location}`);
  must(said.json.job_id === jobId, 'I20', () => `${jobId} is called ${said.json.job_id}`);
  // If its row went another way meanwhile and could not be read, it is shown as it was about to be.
  const { creates, rows, failures } = invocation;
  const isLost = creates.length > 0 && rows.length === 1 && failures.length > 0;
  if (!isLost) judgeShown(jobId, visit, said, invocation, door);
}

/** The same key again. */
function judgeReplay(visit: Visit, said: Said, wanted: Wanted, invocation: Invocation, door: Model) {
  const { request, client } = visit;
  const key = request.headers['idempotency-key'];
  const jobId = door.jobIdOf(client, key ?? '');
  must(
    key !== undefined && jobId !== undefined,
    'I6',
    () => `a new request is answered with ${said.status} ${said.code}`,
  );
  const asked = canonical(wanted);
  const { startedAt } = visit;
  const outcomes = door.keySince(jobId, startedAt).map((row): string => {
    if (row === null) return 'submission_in_progress';
    if (row === 'deleted') return 'job_deleted';
    if (door.wanted.get(jobId) !== asked) return 'idempotency_key_reused';
    if (row.status !== 'submitting') return '';
    const isOver = startedAt > row.createdAt + LEASE_MILLIS + 2 * door.skewMillis;
    if (isOver) return '';
    return door.now + 2 * door.skewMillis > row.leaseUntil ? 'either' : 'submission_in_progress';
  });
  const isLost = invocation.conflicts > 1;
  const isRight =
    outcomes.some((each) => each === said.code || each === 'either') ||
    (isLost && said.code === 'submission_in_progress');
  must(
    isRight,
    'I6',
    () => `a repeat for ${jobId} is answered with ${said.status} ${said.code}, not ${outcomes}`,
  );
  const isInProgress = said.code === 'submission_in_progress';
  must(
    !isInProgress || said.retryAfter === 1,
    'I10',
    () => `${jobId} is in progress, and asks for ${said.retryAfter} s`,
  );
  const isReplayed = said.headers['idempotency-replayed'];
  must(
    isReplayed === (said.code === '' ? 'true' : undefined),
    'I10',
    () => `a replay of ${jobId} says ${isReplayed}`,
  );
  const [ended] = invocation.rows;
  if (ended?.after && isFinished(ended.after)) {
    must(
      ended.after.error?.code === 'submission_unknown',
      'I4',
      () => `${jobId} was abandoned, and ends by ${(ended.after as { error?: object }).error}`,
    );
    judgeSetOff(ended.after, invocation, door);
  }
  must(
    invocation.rows.length <= 1,
    'I10',
    () => `a repeat for ${jobId} writes ${invocation.rows.length} times`,
  );
  if (said.code === '') judgeAccepted(jobId, visit, said, invocation, door);
}
