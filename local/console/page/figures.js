import { byId, h, seconds } from './dom.js';
import { figuresOf } from './story.js';

const EVERY_MILLIS = 250;

/** @type {number | null} The moment is waited for in which they may be shown again. */
let waiting = null;
let isOutdated = false;

/** A few times a second, however often it is asked. @param {Map<string, import('./story.js').Job>} jobs */
export function showFigures(jobs) {
  isOutdated = true;
  if (waiting !== null) return;
  show(jobs);
  waiting = setTimeout(() => {
    waiting = null;
    if (isOutdated) showFigures(jobs);
  }, EVERY_MILLIS);
}

/** @param {Map<string, import('./story.js').Job>} jobs */
function show(jobs) {
  isOutdated = false;
  const all = figuresOf(jobs.values());
  const figures = [
    ['Jobs', all.total],
    ['Running', all.running],
    ['Completed', all.completed],
    ['Failed', all.failed],
    ['Polls per job', all.pollsPerJob === null ? '–' : all.pollsPerJob.toFixed(1)],
    ['Found within', all.medianLag === null ? '–' : seconds(all.medianLag)],
    ['Webhooks', all.delivered],
    ['Inbox valid', all.received === 0 ? '–' : `${Math.round((100 * all.verified) / all.received)} %`],
  ];
  byId('figures').replaceChildren(
    ...figures.map(([name, value]) => h('div', {}, h('dt', { text: name }), h('dd', { text: value }))),
  );
}
