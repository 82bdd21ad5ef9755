import { clock, h, pill } from './dom.js';
import { webhookStateOf } from './story.js';

/** @typedef {import('./story.js').Job} Job */

const RESULTS_SHOWN_MAX = 200;

/** @param {Job} job */
function refused({ cause }) {
  return [
    h('p', {
      class: 'problem',
      text: `ModelStudio refused the job: ${cause}. Nothing else is known of the job.`,
    }),
  ];
}

/** @param {Job} told @param {any} job as the API says it; null before it has @param {any[] | null} large its results, if they are not in that */
export function resultsPanel(told, job, large) {
  if (told.status === 'refused') return refused(told);
  if (!job) return [h('p', { class: 'quiet', text: 'Nothing is known of the job yet.' })];
  const results = job.results ?? large;
  const error = errorOf(job.error);
  if (!results && error.length > 0) return error;
  if (!results)
    return [
      h('p', {
        class: 'quiet',
        text: job.finished_at ? 'The job has no results.' : 'The job has not finished yet.',
      }),
    ];
  const left = results.length - RESULTS_SHOWN_MAX;
  return [
    ...error,
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

/** Its sentence, and where each of its faults is. @param {any} error */
function errorOf(error) {
  if (!error) return [];
  const faults = (error.details ?? []).map((/** @type {any} */ { line, pointer, message }) =>
    h('li', { text: `${line === undefined ? pointer : `Line ${line}`}: ${message}` }),
  );
  return [
    h('p', { class: 'problem', text: `${error.code}: ${error.message}` }),
    ...(faults.length > 0 ? [h('ul', { class: 'problem' }, ...faults)] : []),
  ];
}

/** @param {any} task */
function resultOf(task) {
  const attempts = task.attempts > 1 ? ` · ${task.attempts} attempts` : '';
  return h(
    'article',
    { class: 'result' },
    h(
      'h3',
      { text: `Conversation ${task.task_index}${attempts}` },
      pill(task.error ? 'failed' : 'completed', task.status),
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
        text: read ? 'The job has no webhook: read the job instead.' : 'Nothing is known of the webhook yet.',
      }),
    ];
  const rows = deliveries.map((delivery) => [
    String(delivery.attempt),
    clock(Date.parse(delivery.at)),
    delivery.location
      ? `${delivery.status} to ${delivery.location}`
      : String(delivery.status ?? delivery.error ?? 'taken'),
    `${delivery.duration_ms} ms`,
    delivery.next_attempt_at ? clock(Date.parse(delivery.next_attempt_at)) : '–',
  ]);
  const received = job.webhooks.map((each) =>
    h(
      'article',
      { class: 'result' },
      h('h3', { text: `${each.event} at ${clock(each.at)}` }, originOf(each)),
      h('pre', {
        text: Object.entries(each.headers)
          .filter(([name]) => /^(webhook-|content-type|user-agent|bus|source|detail-type)/.test(name))
          .map(([name, value]) => `${name}: ${value}`)
          .join('\n'),
      }),
    ),
  );
  const state = webhookStateOf(job);
  const heldUntil = webhook?.held_until;
  const held = `The receiver hangs: held until ${heldUntil && clock(Date.parse(heldUntil))}.`;
  return [
    h('p', { class: 'actions' }, h('code', { text: webhook?.url ?? '' }), state ? pill(state) : null),
    ...(heldUntil ? [h('p', { class: 'quiet', text: held })] : []),
    table('Attempts to deliver', ['', 'At', 'Answer', 'Took', 'Next'], rows),
    h('h3', { text: 'Received by the inbox or a bus' }),
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
      text: 'This job was not submitted from this page, and logs hold no prompts. This is what the API knows:',
    }),
    h('pre', { text: JSON.stringify(read, null, 2) }),
  ];
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

/** @param {import('./story.js').Webhook} webhook */
function originOf({ verified }) {
  if (verified === null) return pill('delivered', 'event of a bus');
  return verified ? pill('delivered', 'signature verified') : pill('failed', 'signature wrong');
}
