import { clock, h, seconds } from './dom.js';
import { webhookStateOf } from './story.js';

/** @typedef {import('./story.js').Job} Job */

/** A table of thousands would hold up the page with each look. */
const LOOKS_SHOWN_MAX = 100;
const RESULTS_SHOWN_MAX = 200;

/** Each look at ModelStudio, against its plan. @param {Job} job */
export function pollsPanel(job) {
  const { polls, createdAt, finishedAt, status } = job;
  if (status === 'refused') return refused(job);
  if (polls.length === 0 && finishedAt === null)
    return [h('p', { class: 'quiet', text: 'Not looked at yet.' })];
  const rows = polls.map((poll, i) => {
    const before = polls[i - 1];
    const planned = before?.wait === null || !before ? null : before.at + before.wait;
    return [
      String(i + 1),
      seconds(poll.at - createdAt),
      planned === null ? 'first' : lateness(poll.at - planned),
      poll.total > 1 ? `${poll.completed} of ${poll.total}` : (poll.cause ?? poll.outcome),
      poll.wait === null ? '–' : `in ${seconds(poll.wait)}`,
    ];
  });
  const last = polls.at(-1);
  if (finishedAt !== null && status !== 'cancelled') {
    const planned = last?.wait == null ? null : last.at + last.wait;
    rows.push([
      String(rows.length + 1),
      seconds(finishedAt - createdAt),
      planned === null ? 'first' : lateness(finishedAt - planned),
      status,
      '–',
    ]);
  }
  const waiting =
    last?.wait != null && finishedAt === null
      ? h('p', { class: 'quiet', text: `Looks again at ${clock(last.at + last.wait)}.` })
      : null;
  const left = rows.length - LOOKS_SHOWN_MAX;
  return [
    left > 0 ? h('p', { class: 'quiet', text: `The last ${LOOKS_SHOWN_MAX} of ${rows.length}.` }) : null,
    table('Looks at ModelStudio', ['', 'Age', 'Against plan', 'Found', 'Next'], rows.slice(-LOOKS_SHOWN_MAX)),
    waiting,
  ].filter((part) => part !== null);
}

/** @param {Job} job */
function refused({ cause }) {
  return [h('p', { class: 'problem', text: `It was not taken: ${cause}. There is nothing more of it.` })];
}

/** @param {Job} told @param {any} job as the API says it; null before it has @param {any[] | null} large its results, if they are not in that */
export function resultsPanel(told, job, large) {
  if (told.status === 'refused') return refused(told);
  if (!job) return [h('p', { class: 'quiet', text: 'Nothing is known of it yet.' })];
  if (job.error) return [h('p', { class: 'problem', text: `${job.error.code}: ${job.error.message}` })];
  const results = job.results ?? large;
  if (!results)
    return [h('p', { class: 'quiet', text: job.finished_at ? 'It has no results.' : 'Not finished yet.' })];
  const left = results.length - RESULTS_SHOWN_MAX;
  return [
    ...(left > 0
      ? [
          h(
            'p',
            { class: 'quiet' },
            `The first ${RESULTS_SHOWN_MAX} of ${results.length}; all of them: `,
            h('code', { text: job.results_url ?? '' }),
          ),
        ]
      : []),
    ...results.slice(0, RESULTS_SHOWN_MAX).map(resultOf),
  ];
}

function resultOf(task) {
  return h(
    'article',
    { class: 'result' },
    h(
      'h3',
      { text: `Conversation ${task.task_index}` },
      h('span', { class: `status is-${task.error ? 'failed' : 'completed'}`, text: task.status }),
    ),
    h('pre', {
      text: task.error
        ? JSON.stringify(task.error)
        : typeof task.result === 'string'
          ? task.result
          : JSON.stringify(task.result, null, 2),
    }),
  );
}

/** @param {Job} job @param {any} read the job as the API says it @param {any[]} deliveries as the API says them */
export function webhookPanel(job, read, deliveries) {
  if (job.status === 'refused') return refused(job);
  const webhook = read?.webhook;
  if (!webhook && job.attempts.length === 0)
    return [
      h('p', {
        class: 'quiet',
        text: read ? 'It has no webhook: read the job.' : 'Not known yet.',
      }),
    ];
  const rows = deliveries.map((delivery) => [
    String(delivery.attempt),
    clock(Date.parse(delivery.at)),
    delivery.location
      ? `${delivery.status} to ${delivery.location}`
      : String(delivery.status ?? delivery.error),
    `${delivery.duration_ms} ms`,
    delivery.next_attempt_at ? clock(Date.parse(delivery.next_attempt_at)) : '–',
  ]);
  const received = job.webhooks.map((each) =>
    h(
      'article',
      { class: 'result' },
      h(
        'h3',
        { text: `${each.event} at ${clock(each.at)}` },
        h('span', {
          class: `status is-${each.verified ? 'completed' : 'failed'}`,
          text: each.verified ? 'signature verified' : 'signature wrong',
        }),
      ),
      h('pre', {
        text: Object.entries(each.headers)
          .filter(([name]) => /^(webhook-|content-type|user-agent)/.test(name))
          .map(([name, value]) => `${name}: ${value}`)
          .join('\n'),
      }),
    ),
  );
  const state = webhookStateOf(job);
  return [
    h(
      'p',
      { class: 'actions' },
      h('code', { text: webhook?.url ?? '' }),
      state ? h('span', { class: `status is-${state}`, text: state }) : null,
    ),
    table('Attempts to deliver', ['', 'At', 'Answer', 'Took', 'Next'], rows),
    h('h3', { text: 'Received by the inbox' }),
    ...(received.length > 0 ? received : [h('p', { class: 'quiet', text: 'Nothing yet.' })]),
  ];
}

/** @param {Job} job @param {any} request what was asked, as far as the console knows @param {any} read the job as the API says it */
export function requestPanel(job, request, read) {
  if (job.status === 'refused') return refused(job);
  if (request) return [h('pre', { text: JSON.stringify(shortened(request), null, 2) })];
  return [
    h('p', {
      class: 'quiet',
      text: 'It was not submitted from this page, and prompts stand in no log. This is what the API knows:',
    }),
    h('pre', { text: JSON.stringify(read, null, 2) }),
  ];
}

/** @param {number} millis */
function lateness(millis) {
  return Math.abs(millis) < 100 ? 'on time' : `${millis > 0 ? '+' : '−'}${seconds(Math.abs(millis))}`;
}

/** @param {string} caption @param {string[]} header @param {string[][]} rows */
function table(caption, header, rows) {
  return h(
    'table',
    {},
    h('caption', { text: caption }),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...header.map((text, i) =>
          i === 0
            ? h('th', { scope: 'col' }, h('span', { class: 'hidden', text: 'Number' }))
            : h('th', { scope: 'col', text }),
        ),
      ),
    ),
    h('tbody', {}, ...rows.map((cells) => h('tr', {}, ...cells.map((text) => h('td', { text }))))),
  );
}

/** Images are long. @param {unknown} value @returns {unknown} */
function shortened(value) {
  if (typeof value === 'string')
    return value.startsWith('data:') ? `${value.slice(0, 48)}… (${value.length} characters)` : value;
  if (Array.isArray(value)) return value.map(shortened);
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shortened(each)]));
  return value;
}
