import { isDeepStrictEqual } from 'node:util';
import { type FinishedJob, isFinished, type Job } from '../../../functions/core/job.ts';
import type { Invocation } from '../invocation.ts';
import { must } from '../judge.ts';
import type { Said } from './answer.ts';
import { judgeNothingDone, type Model } from './model.ts';
import { queryOf } from './request.ts';
import { deliveriesOf, resultsIn, shows } from './view.ts';
import type { Visit } from './visit.ts';

const DAY = 86_400_000;
const ROUND_GAP_SECONDS = 60;
const ROUNDS_MAX = 20;
const LINK_SECONDS = 900;
/** A job that nobody has asked about yet is looked at again within a minute; else when its next poll is due. */
const COME_BACK_MAX_SECONDS = 900;

/** A request about one job may be answered for any state that the job has had meanwhile. */
export function judgeJobAnswer(visit: Visit, said: Said, invocation: Invocation, door: Model) {
  const { request, routed } = visit;
  const { jobId } = routed;
  const rows = door.ownSince(jobId, visit);
  const isWrongBody = request.method === 'POST' && !isBody(request.body, routed.operation === 'redeliver');
  const isRight = rows.some((row) => {
    if (row === null) return said.status === 404 && (said.code === 'not_found' || request.method === 'HEAD');
    if (isWrongBody) return said.code === 'invalid_request';
    switch (routed.operation) {
      case 'cancel':
        return isCancelAnswer(row, said);
      case 'redeliver':
        return isRedeliverAnswer(row, visit, said, door);
      case 'delete':
        return isDeleteAnswer(row, said, invocation);
      case 'deliveries':
        return (
          said.status === 200 &&
          (request.method === 'HEAD' || isDeepStrictEqual(said.json, deliveriesOf(row)))
        );
      case 'results':
        return isResults(row, visit, said, door);
      default:
        return said.status === 200;
    }
  });
  must(
    isRight,
    'I10',
    () =>
      `${request.method} ${request.path} is answered with ${said.status} ${said.code} ${JSON.stringify(said.headers)}, and was ${rows.map((row) => row?.status)}`,
  );
  const isShown =
    (routed.operation === 'job' || request.method === 'POST') &&
    said.code === '' &&
    request.method !== 'HEAD';
  if (isShown) judgeShown(jobId, visit, said, invocation, door);
  if (routed.operation === 'delete') return judgeDeleted(jobId, visit, said, invocation);
  if (request.method !== 'POST') return;
  // What it has set off is over, and the job deleted.
  if (said.status === 404 && door.keySince(jobId, visit.startedAt).includes('deleted')) return;
  if (said.status >= 300)
    return judgeNothingDone(visit, { ...invocation, rows: [] } as unknown as Invocation);
  const after = invocation.rows.at(-1)?.after ?? null;
  const isOwed = routed.operation === 'redeliver' || said.json.status !== 'cancelled';
  must(!isOwed || after !== null, 'I8', () => `${jobId} is said to be redelivered, and nothing was written`);
  if (after && isFinished(after)) judgeSetOff(after, invocation, door);
  if (routed.operation === 'redeliver') judgeRedeliveryTold(jobId, invocation);
}

function isBody(body: string, mayMove: boolean): boolean {
  if (body === '') return true;
  const names = Object.entries(JSON.parse(body));
  return names.every(([name, value]) => mayMove && name === 'webhook_url' && typeof value === 'string');
}

function isCancelAnswer(row: Job, { status, code, retryAfter, json }: Said): boolean {
  if (row.status === 'submitting') return code === 'not_cancellable' && retryAfter === 1;
  if (row.status === 'cancelled') return status === 200 && json.status === 'cancelled';
  // Then it is the answer for what the row has become.
  if (!isFinished(row)) return false;
  return code === 'not_cancellable' && retryAfter === null && json.detail.includes(row.status);
}

function isDeleteAnswer(row: Job, { status, code, retryAfter }: Said, { rows }: Invocation): boolean {
  // Then it is the answer for what the row has become.
  if (status === 204) return rows.some(({ after }) => after === null);
  const isUnderWay = !isFinished(row) || row.webhook?.status === 'pending';
  return isUnderWay && code === 'not_deletable' && retryAfter !== null;
}

/** Whoever is told that a job is deleted has it deleted, and the log says so once. */
function judgeDeleted(jobId: string, visit: Visit, said: Said, invocation: Invocation) {
  if (said.status !== 204)
    return judgeNothingDone(visit, { ...invocation, rows: [] } as unknown as Invocation);
  const lines = invocation.told.filter(({ stage }) => stage === 'delete');
  const [line] = lines;
  const { outcome, job_id, client } = line?.facts ?? {};
  const isTold = lines.length === 1 && outcome === 'deleted' && job_id === jobId && client === visit.client;
  must(isTold, 'I10', () => `the log has ${lines.length} lines of the deletion of ${jobId}`);
}

/** A page of a client's webhooks: whatever it has begun, it has counted and set off. */
export function judgeRedeliveries(visit: Visit, said: Said, invocation: Invocation, door: Model) {
  const { rows } = invocation;
  must(said.status === 202, 'I10', () => `many redeliveries are answered with ${said.status}`);
  const { count, next_cursor } = said.json;
  const begun = rows.flatMap(({ after }) => (after && isFinished(after) ? [after] : []));
  // A write of which the answer was lost may not be counted.
  const isCounted = count === begun.length || (invocation.failures.length > 0 && count < begun.length);
  must(isCounted, 'I10', () => `${count} redeliveries are told of ${begun.length}`);
  must(begun.length <= 200, 'I19', () => `${begun.length} redeliveries at once`);
  must(next_cursor === null || typeof next_cursor === 'string', 'I10', () => `it goes on at ${next_cursor}`);
  for (const after of begun) {
    judgeSetOff(after, invocation, door);
    judgeRedeliveryTold(after.jobId, invocation);
  }
  must(visit.routed.operation === 'redeliveries', 'I10', () => 'one redelivery is taken for many');
}

/** At most ten a second, to whatever part of a second SQS delays them. */
function judgePace(jobId: string, client: string, url: string, dueAt: number, { paced, known }: Model) {
  const name = `${client}/${URL.canParse(url) ? new URL(url).host : url}`;
  const moments = paced.get(name) ?? new Set<number>();
  paced.set(name, moments);
  const near = [...moments].filter((moment) => Math.abs(moment - dueAt) < 200);
  must(
    near.length === 0,
    'I19',
    () => `${jobId} is redelivered ${Math.abs((near[0] ?? 0) - dueAt)} ms after another`,
  );
  moments.add(dueAt);
  const given = 200 * Number(known.cloud.tables.jobs.peek(`pace/${name}`)?.['turn']?.N ?? 0);
  must(
    dueAt <= given,
    'I19',
    () => `${jobId} is redelivered ${dueAt - given} ms after all moments of ${name}`,
  );
}

function isKept(row: FinishedJob, at: number, door: Model): boolean {
  return row.finishedAt + door.sim.scene.retentionDays * DAY + 1000 > at;
}

function isRedeliverAnswer(row: Job, visit: Visit, said: Said, door: Model): boolean {
  const { code, retryAfter } = said;
  const slack = door.skewMillis + 1000;
  if (!isFinished(row)) return code === 'not_finished' && retryAfter !== null;
  const { webhook } = row;
  const isRefused = code === 'not_redeliverable' && retryAfter === null;
  if (webhook === null || !isKept(row, visit.startedAt - slack, door)) return isRefused;
  if (isRefused && !isKept(row, door.now + slack, door)) return true;
  if (code === 'not_redeliverable') {
    const isClaimed = webhook.status === 'pending' && (webhook.leaseUntil ?? 0) > visit.startedAt - slack;
    return isClaimed && retryAfter === 5;
  }
  const { rounds = 0, at = 0 } = webhook.redelivered ?? {};
  if (code === 'too_many_redeliveries') {
    if (rounds >= ROUNDS_MAX) return retryAfter === null;
    const [earliest, latest] = [door.now, visit.startedAt].map(
      (now) => (at + ROUND_GAP_SECONDS * 1000 - now) / 1000,
    );
    const leeway = slack / 1000;
    return (
      rounds > 0 &&
      retryAfter !== null &&
      retryAfter >= (earliest as number) - leeway &&
      retryAfter <= (latest as number) + leeway
    );
  }
  // What it has written is judged as it is written.
  return said.status === 202 && rounds > 0;
}

function isResults(row: Job, { request, startedAt }: Visit, said: Said, door: Model): boolean {
  const isHead = request.method === 'HEAD';
  if (!isFinished(row))
    return said.retryAfter !== null && (said.code === 'not_finished' || (isHead && said.status === 409));
  const { status } = said;
  if (isHead) return status === 200 || status === 307;
  if (row.results === null) return status === 200 && said.text === '[]';
  const { contents } = door.known;
  if (row.results === 'in-event')
    return status === 200 && said.text === resultsIn(contents.ever(row.event.key) ?? '');
  const isAt = (url: string) =>
    decodeURIComponent(url.split(',').slice(1).join(',')) ===
    contents.ever((row.results as { key: string }).key);
  if (queryOf(request).get('redirect') !== 'false')
    return status === 307 && isAt(said.headers['location'] ?? '');
  const expiresAt = Date.parse(said.json.expires_at);
  const [earliest, latest] = [startedAt - 1000 - door.skewMillis, door.now + door.skewMillis].map(
    (at) => at + LINK_SECONDS * 1000,
  );
  const isTimed = expiresAt >= (earliest as number) && expiresAt <= (latest as number);
  return status === 200 && Object.keys(said.json).length === 2 && isTimed && isAt(said.json.url);
}

/** The job in an answer is the job as it was at some moment meanwhile, with the results that its webhook brings. */
export function judgeShown(jobId: string, visit: Visit, said: Said, invocation: Invocation, door: Model) {
  const { startedAt } = visit;
  // Who has written the job shows what it has written.
  const own = invocation.rows.findLast(({ after }) => after !== null && after.status !== 'submitting')?.after;
  const candidates = own && knowsOf(own, invocation) ? [own] : door.ownSince(jobId, visit);
  const row = candidates.find((each) => each !== null && shows(said.json, each, 'in-job')) ?? null;
  must(row !== null, 'I10', () => `${jobId} is shown as it never was: ${said.text.slice(0, 600)}`);
  const event =
    isFinished(row) && row.results === 'in-event' ? door.known.contents.ever(row.event.key) : undefined;
  const results = event === undefined ? 'null' : resultsIn(event);
  must(
    said.text.includes(`"results":${results},"results_url":`),
    'I10',
    () => `${jobId} is shown with other results than its webhook has`,
  );
  if (isFinished(row))
    return must(said.retryAfter === null, 'I10', () => `${jobId} is ${row.status}, and asks to come back`);
  const seconds = said.retryAfter ?? 0;
  const dueAt = row.status === 'running' ? row.expectedWakeUp.dueAt : 0;
  const isPast = dueAt <= door.now + door.skewMillis;
  const earliest = (dueAt - door.now - door.skewMillis) / 1000;
  const latest = Math.max(
    isPast ? 60 : 0,
    Math.min(COME_BACK_MAX_SECONDS, (dueAt - startedAt + door.skewMillis) / 1000 + 1),
  );
  must(
    seconds >= Math.max(1, earliest) && seconds <= latest,
    'I10',
    () => `${jobId} asks to come back after ${seconds} s, not ${earliest} to ${latest}`,
  );
}

/** A write of which the answer was lost looks like one that has lost a race, once others have written after it. */
function knowsOf({ jobId, version }: Job, { lost }: Invocation): boolean {
  return !lost.has(`${jobId} v${version}`);
}

/** Whoever has written that a webhook is to be delivered has sent the message for it before saying so. */
export function judgeSetOff(row: FinishedJob, invocation: Invocation, { sim }: Model) {
  const { webhook, jobId } = row;
  const { sent, rows } = invocation;
  const isOwn = rows.some(({ after }) => after === row) && knowsOf(row, invocation);
  if (!isOwn || webhook?.status !== 'pending') return;
  const wakeUp = webhook.expectedWakeUp;
  const message = sent.find(
    ({ queue, body }) => queue === 'deliver' && JSON.parse(body).wakeUp.token === wakeUp?.token,
  );
  must(message !== undefined, 'I12', () => `the webhook of ${jobId} is not set off`);
  const { attempts, jobId: named, wakeUp: given } = JSON.parse(message.body);
  const isRight = named === jobId && attempts === webhook.attempts && isDeepStrictEqual(given, wakeUp);
  must(isRight, 'I12', () => `the webhook of ${jobId} is set off by ${message.body}`);
  const [first = 0] = webhook.redelivered ? [] : sim.scene.webhookSchedule;
  const { delaySeconds } = message;
  const paused = webhook.redelivered ? Math.ceil(((wakeUp?.dueAt ?? 0) - row.updatedAt) / 1000) : 0;
  must(
    delaySeconds <= Math.max(paused, Math.ceil(first * 1.2)),
    'I2',
    () => `the webhook of ${jobId} waits ${delaySeconds} s`,
  );
}

function judgeRedeliveryTold(jobId: string, { told, rows }: Invocation) {
  const lines = told.filter(({ stage, facts }) => stage === 'redeliver' && facts.job_id === jobId);
  const row = rows.findLast(({ after }) => after?.jobId === jobId)?.after;
  const isTold =
    lines.length === 1 &&
    lines[0]?.facts.outcome === 'begun' &&
    lines[0].facts.attempt === row?.webhook?.attempts;
  must(
    isTold && lines[0]?.facts.client === row?.client,
    'I10',
    () => `the log has ${lines.length} lines of the redelivery of ${jobId}`,
  );
}

/** A new round, by what was there before and what was asked for. */
export function judgeRedelivered(before: Job, after: Job, visit: Visit, door: Model) {
  const { jobId } = after;
  const [was, is] = [before.webhook, after.webhook];
  const { now, skewMillis } = door;
  const so = (what: string, holds: boolean) => must(holds, 'I8', () => `a redelivery of ${jobId}: ${what}`);
  if (was === null || is?.status !== 'pending' || !isFinished(before)) return so('webhook', false);
  const isOfMany = visit.routed.operation === 'redeliveries';
  so('job', before.client === visit.client && (isOfMany || jobId === visit.routed.jobId));
  so('retention', isKept(before, visit.startedAt - skewMillis, door));
  so('claim', was.status !== 'pending' || (was.leaseUntil ?? 0) <= now + skewMillis);
  const asked = visit.request.body === '' ? {} : JSON.parse(visit.request.body);
  so('status', !isOfMany || asked.webhook_status === was.status);
  const url = asked.webhook_url ?? was.url;
  so('url', is.url === url && is.id === was.id && is.destination === was.destination);
  so('attempts', is.attempts === was.attempts && is.attemptsBefore === was.attempts);
  so('log', isDeepStrictEqual(is.log, was.log));
  so('lease', is.leaseUntil === null);
  const seq = was.status === 'pending' ? (was.expectedWakeUp?.seq ?? 0) : was.lastSeq;
  so('place', is.expectedWakeUp?.seq === seq + 1);
  const dueAt = is.expectedWakeUp?.dueAt ?? 0;
  so(
    'time',
    dueAt >= visit.startedAt - skewMillis &&
      (isOfMany || dueAt <= now + skewMillis) &&
      is.redelivered?.at === after.updatedAt,
  );
  if (isOfMany) judgePace(jobId, after.client, url, dueAt, door);
  so(
    'watch',
    after.wakeUpDeadline >= dueAt + 300_000 &&
      after.wakeUpDeadline <= Math.max(before.wakeUpDeadline, dueAt + 15 * 60_000),
  );
}
