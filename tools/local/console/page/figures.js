import { byId, h, seconds } from './dom.js';
import { figuresOf } from './story.js';

const EVERY_MILLIS = 250;

/** The moment is waited for in which they may be shown again. */
let isWaiting = false;
let isOutdated = false;

/** A few times a second, however often it is asked. @param {Map<string, import('./story.js').Job>} jobs */
export function showFigures(jobs) {
  isOutdated = true;
  if (isWaiting) return;
  isWaiting = true;
  show(jobs);
  setTimeout(() => {
    isWaiting = false;
    if (isOutdated) showFigures(jobs);
  }, EVERY_MILLIS);
}

/** @param {Map<string, import('./story.js').Job>} jobs */
function show(jobs) {
  isOutdated = false;
  const all = figuresOf(jobs.values());
  const undelivered = [
    all.delivery !== null && `p50 ${seconds(all.delivery)}`,
    all.retrying > 0 && `${all.retrying} retrying`,
    all.undelivered > 0 && `${all.undelivered} given up`,
  ];
  /** @type {[string, string | number, string, string][]} */
  const figures = [
    [
      'Running',
      all.running,
      `of ${all.total} ${all.total === 1 ? 'job' : 'jobs'}`,
      'Jobs that have not ended.',
    ],
    ['Failed', all.failed, `${all.completed} completed`, 'Jobs that failed, expired or were refused.'],
    [
      'Polls per job',
      all.pollsPerJob === null ? '–' : all.pollsPerJob.toFixed(1),
      'average',
      'How often ModelStudio was asked about a job before it completed, on average.',
    ],
    [
      'Detection lag p50',
      all.lag === null ? '–' : seconds(all.lag),
      all.lag95 === null ? '' : `p95 ${seconds(all.lag95)}`,
      'A job may have ended this long before it was noticed: the time between its last two polls.',
    ],
    [
      'Webhooks delivered',
      all.delivered,
      undelivered.filter(Boolean).join(', '),
      'Jobs whose webhook was answered with a 2xx, and how long after their end.',
    ],
  ];
  byId('figures').replaceChildren(
    ...figures.map(([name, value, note, title]) =>
      h(
        'div',
        { title },
        h('dt', { text: name }),
        h('dd', {}, h('b', { text: value }), h('small', { text: note })),
      ),
    ),
  );
}
