import { seconds } from './dom.js';
import { pollsOf, startOf, totalOf, webhookStateOf } from './story.js';

/**
 * What happened to a job, or is planned. The list marks it, a tooltip says it and the timeline lists it.
 * `from` is when the wait for it began.
 * @typedef {import('./story.js').Job} Job
 * @typedef {{at: number, from: number, mark: string, title: string, note: string}} Moment
 */

/** The marks, by what they mean, in the order of a job's life. */
export const LEGEND = {
  submit: 'submitted',
  poll: 'poll',
  trouble: 'failed poll',
  rescue: 'woken by the sweep',
  next: 'planned',
  end: 'finished',
  delivered: 'webhook delivered',
  retry: 'failed attempt',
  undelivered: 'given up',
};

/** A shorter delay is nobody's fault. */
const LATE_MILLIS = 250;
const FAILED_POLLS = ['trouble', 'missing', 'unreadable'];

/** @param {import('./story.js').Poll} poll */
export function markOfPoll({ outcome }) {
  return FAILED_POLLS.includes(outcome) ? 'trouble' : 'poll';
}

/** @param {import('./story.js').Attempt} attempt */
export function markOfAttempt({ outcome }) {
  return outcome === 'delivered' || outcome === 'retry' ? outcome : 'undelivered';
}

/** In the order of time. @param {Job} job @returns {Moment[]} */
export function momentsOf(job) {
  const moments = [
    submission(job),
    ...(job.queuedAt === null ? [] : [queuedOf(job, job.queuedAt)]),
    ...job.tries.map((_, i) => tryOf(job, i)),
    ...job.polls.map((_, i) => pollOf(job, i)),
    ...job.rescues.map(rescueOf),
    ...(job.finishedAt === null ? [] : [endOf(job, job.finishedAt)]),
    ...job.attempts.map((_, i) => attemptOf(job, i)),
    ...job.webhooks.map(receiptOf),
  ];
  const at = nextAt(job);
  if (at !== null) moments.push(planOf(job, at));
  return moments.sort((a, b) => a.at - b.at);
}

/** When it is looked at, or its webhook is tried, next. @param {Job} job */
export function nextAt(job) {
  const last = (job.finishedAt === null ? job.polls : job.attempts).at(-1);
  return last && last.wait !== null ? last.at + last.wait : null;
}

/** Whether nothing more is to come of it by itself. @param {Job} job */
export function isSettled(job) {
  return job.finishedAt !== null && webhookStateOf(job) !== 'retrying';
}

/** @param {Job} job @returns {Moment} */
function submission({ createdAt, takenIn, queuedAt, status }) {
  const isTaken = takenIn !== null && queuedAt === null && status !== 'refused';
  const note = !isTaken ? '' : `ModelStudio took it in ${took(takenIn)}`;
  return { at: createdAt, from: createdAt, mark: 'submit', title: 'Submitted', note };
}

/** @param {Job} job @param {number} at @returns {Moment} */
function queuedOf({ createdAt }, at) {
  return { at, from: createdAt, mark: 'next', title: 'Queued', note: 'until ModelStudio takes it' };
}

/** @param {Job} job @param {number} i @returns {Moment} */
function tryOf({ tries, createdAt }, i) {
  const { at, outcome, cause, millis } = /** @type {import('./story.js').Try} */ (tries[i]);
  const from = tries[i - 1]?.at ?? createdAt;
  const note = `${i === 0 ? 'submitted' : 'asked'} ${seconds(at - from)} before`;
  if (outcome === 'created')
    return { at, from, mark: 'submit', title: `ModelStudio took it in ${took(millis)}`, note };
  return { at, from, mark: 'retry', title: `ModelStudio did not take it: ${cause ?? outcome}`, note };
}

/** @param {Job} job @param {number} i @returns {Moment} */
function pollOf(job, i) {
  const { polls } = job;
  const poll = /** @type {import('./story.js').Poll} */ (polls[i]);
  const { at, outcome, cause, completed } = poll;
  const before = polls[i - 1];
  const found = outcome === 'running' ? `${completed} of ${totalOf(poll)} done` : (cause ?? outcome);
  const from = before?.at ?? startOf(job);
  return {
    at,
    from,
    mark: markOfPoll(poll),
    title: `Poll ${i + 1}: ${found}`,
    note: waited(at, from, before),
  };
}

/** @param {number} at @returns {Moment} */
function rescueOf(at) {
  return { at, from: at, mark: 'rescue', title: 'Woken by the sweep', note: 'its wake-up was overdue' };
}

/** @param {Job} job @param {number} at @returns {Moment} */
function endOf(job, at) {
  const { status, cause, polls, completed, total, failed } = job;
  const last = polls.at(-1);
  const from = last?.at ?? startOf(job);
  const parts = [
    cause,
    status === 'completed' && `${completed} of ${total} done${failed > 0 ? `, ${failed} failed` : ''}`,
    pollsOf(job) > polls.length && `found by poll ${pollsOf(job)} ${waited(at, from, last)}`,
  ];
  const title = `${status.charAt(0).toUpperCase()}${status.slice(1)}`;
  return { at, from, mark: `end is-${status}`, title, note: parts.filter(Boolean).join('; ') };
}

/** @param {Job} job @param {number} i @returns {Moment} */
function attemptOf({ attempts, finishedAt }, i) {
  const attempt = /** @type {import('./story.js').Attempt} */ (attempts[i]);
  const { at, outcome, status, cause, wait, millis } = attempt;
  const none = outcome === 'delivered' ? 'taken' : 'no answer';
  const answer = status === undefined ? (cause ?? none) : `answered ${status}`;
  const next = wait === null ? '' : `; next in ${seconds(wait)}`;
  const result = outcome === 'retry' ? 'failed' : outcome;
  return {
    ...{ at, from: attempts[i - 1]?.at ?? finishedAt ?? at, mark: markOfAttempt(attempt) },
    ...{
      title: `Webhook attempt ${attempt.attempt}: ${result}`,
      note: `${answer} in ${took(millis)}${next}`,
    },
  };
}

/** @param {Job} job @param {number} at @returns {Moment} */
function planOf({ finishedAt, polls, attempts }, at) {
  const from = (finishedAt === null ? polls : attempts).at(-1)?.at ?? at;
  const title = `Next ${finishedAt === null ? 'poll' : 'webhook attempt'}`;
  return { at, from, mark: 'next', title, note: `planned after ${seconds(at - from)}` };
}

/** @param {import('./story.js').Webhook} webhook @returns {Moment} */
function receiptOf({ at, verified }) {
  if (verified === null) return { at, from: at, mark: 'received', title: 'Taken by the bus', note: '' };
  const note = verified ? 'its signature is verified' : 'its signature is wrong';
  return { at, from: at, mark: 'received', title: 'Received by the inbox', note };
}

/** @param {number} at @param {number} from @param {import('./story.js').Poll} [before] */
function waited(at, from, before) {
  const late = before?.wait == null ? 0 : at - from - before.wait;
  const wait = `after ${seconds(at - from)}`;
  if (Math.abs(late) < LATE_MILLIS) return wait;
  return `${wait}, ${seconds(Math.abs(late))} ${late > 0 ? 'more' : 'less'} than planned`;
}

/** @param {number} millis */
function took(millis) {
  return millis < 1000 ? `${Math.round(millis)} ms` : seconds(millis);
}
