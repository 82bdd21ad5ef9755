import { h, pill, seconds } from './dom.js';
import { isSettled, markOfAttempt, markOfPoll, nextAt } from './moments.js';
import { pollsOf, totalOf, webhookStateOf } from './story.js';

/** @typedef {import('./story.js').Job} Job @typedef {ReturnType<typeof newRow>} Row */

const MARKS_MAX = 240;
/** A track of less would have no scale. */
const SPAN_MIN_MILLIS = 250;
/** By how much a track is made longer once the present has come to its end. */
const GROWTH = 1.08;

/** @param {Job} job */
export function newRow(job) {
  const parts = {
    status: pill(job.status),
    model: h('span', { class: 'model' }),
    progress: h('span', { class: 'bar' }),
    count: h('span', { class: 'note' }),
    life: h('span', { class: 'life' }),
    next: h('span', { class: 'mark next' }),
    duration: h('span'),
    polls: h('span', { class: 'note' }),
    webhook: h('span', { class: 'pill hook' }),
  };
  const delivery = h(
    'span',
    { class: 'delivery' },
    h('span', { class: 'hidden', text: 'webhook' }),
    parts.webhook,
  );
  const track = h('span', { class: 'track' }, parts.life, parts.next);
  const button = h(
    'button',
    { type: 'button', class: 'row', tabindex: '-1', 'data-id': job.id },
    h('span', { class: 'state' }, parts.status),
    h('span', { class: 'what' }, parts.model, h('span', { class: 'id', text: job.id })),
    h('span', { class: 'tasks' }, h('span', { class: 'progress' }, parts.progress), parts.count),
    h('span', { class: 'window', 'aria-hidden': 'true' }, track),
    h('span', { class: 'time' }, parts.duration, parts.polls),
    delivery,
  );
  return {
    ...{ item: h('li', { hidden: true }, button), button, track, delivery, ...parts, job },
    /** What is marked is placed from there: numbers that stay small keep their precision. */
    base: job.createdAt,
    /** The time at the end of its own track. */
    until: job.createdAt,
    ...{ marks: 0, marked: { tries: 0, polls: 0, attempts: 0, rescues: 0 } },
    end: /** @type {HTMLElement | null} */ (null),
  };
}

/** @param {Row} row @param {Job} job */
export function changeRow(row, job) {
  const { tries, polls, attempts, rescues, finishedAt } = job;
  row.job = job;
  row.item.dataset.status = job.status;
  setState(row.status, job.status);
  setText(row.model, job.model);
  setText(row.count, `${job.completed} of ${totalOf(job)}${job.failed > 0 ? `, ${job.failed} failed` : ''}`);
  row.progress.style.width = `${(100 * job.completed) / Math.max(1, job.total)}%`;
  const asked = pollsOf(job);
  setText(row.polls, `${asked} ${asked === 1 ? 'poll' : 'polls'}`);
  const state = webhookStateOf(job);
  row.delivery.hidden = state === null;
  setState(row.webhook, state ?? '');
  if (finishedAt !== null) setText(row.duration, seconds(finishedAt - job.createdAt));
  place(row, row.track, '--from', job.createdAt);
  place(row, row.track, '--to', finishedAt);
  const next = nextAt(job);
  row.next.hidden = next === null;
  place(row, row.next, '--at', next);
  for (const { at, outcome } of tries.slice(row.marked.tries))
    mark(row, at, outcome === 'created' ? 'submit' : 'retry');
  for (const poll of polls.slice(row.marked.polls)) mark(row, poll.at, markOfPoll(poll));
  for (const attempt of attempts.slice(row.marked.attempts)) mark(row, attempt.at, markOfAttempt(attempt));
  for (const at of rescues.slice(row.marked.rescues)) mark(row, at, 'rescue');
  row.marked = {
    tries: tries.length,
    polls: polls.length,
    attempts: attempts.length,
    rescues: rescues.length,
  };
  if (finishedAt === null) row.end?.remove();
  row.end = finishedAt === null ? null : (row.end ?? mark(row, finishedAt, 'end'));
}

/** @param {Row} row @param {number} now */
export function showNow(row, now) {
  place(row, row.track, '--now', now);
  if (row.job.finishedAt === null)
    setText(row.duration, seconds(1000 * Math.floor((now - row.job.createdAt) / 1000)));
}

/**
 * Its track ends with the last of it, or with what is planned. Of a future that is longer than the past, only as much.
 * @param {Row} row @param {number} now
 */
export function fitTrack(row, now) {
  const { job } = row;
  const { createdAt, finishedAt, polls, attempts } = job;
  const last = Math.max(createdAt, finishedAt ?? 0, polls.at(-1)?.at ?? 0, attempts.at(-1)?.at ?? 0);
  const past = (isSettled(job) ? last : Math.max(last, now)) - createdAt;
  const future = (nextAt(job) ?? 0) - createdAt;
  const live = future > past ? Math.min(future, 2 * past) : past * GROWTH;
  const span = Math.max(isSettled(job) ? past : live, SPAN_MIN_MILLIS);
  row.until = createdAt + span;
  row.track.style.setProperty('--span', (span / 1000).toFixed(2));
}

/** @param {Row} row @param {number} at @param {string} kind */
function mark(row, at, kind) {
  const element = h('span', { class: `mark ${kind}` });
  place(row, element, '--at', at);
  row.track.append(element);
  row.marks += 1;
  if (row.marks > MARKS_MAX) row.track.querySelector('.mark.poll')?.remove();
  return element;
}

/** @param {Row} row @param {HTMLElement} element @param {string} name @param {number | null} at */
function place(row, element, name, at) {
  if (at === null) element.style.removeProperty(name);
  else element.style.setProperty(name, ((at - row.base) / 1000).toFixed(2));
}

/** @param {HTMLElement} element @param {string} state */
function setState(element, state) {
  if (element.dataset.state === state) return;
  element.dataset.state = state;
  element.textContent = state;
}

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
