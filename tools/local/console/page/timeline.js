import { exactClock, h, seconds } from './dom.js';
import { momentsOf } from './moments.js';

/** A list of thousands would hold up the page with each event. */
const SHOWN_MAX = 100;

/** One job's life: what happened when, and how long was waited for it. @param {import('./story.js').Job} job */
export function timelinePanel(job) {
  const moments = momentsOf(job);
  const begun = job.createdAt;
  const span = Math.max(1, (moments.at(-1)?.at ?? begun) - begun);
  const items = moments.map(({ at, from, mark, title, note }) => {
    const [start, end] = [(from - begun) / span, (at - begun) / span];
    return h(
      'li',
      {},
      h('span', { class: `mark ${mark}`, 'aria-hidden': 'true' }),
      h('span', { class: 'moment' }, h('b', { text: title }), h('span', { class: 'note', text: note })),
      h('span', { class: `wait ${mark}`, 'aria-hidden': 'true', style: `--start: ${start}; --end: ${end}` }),
      h(
        'span',
        { class: 'when' },
        h('span', { text: `+${seconds(at - begun)}` }),
        h('time', { class: 'note', text: exactClock(at) }),
      ),
    );
  });
  const [first, ...others] = items;
  const left = others.length - SHOWN_MAX;
  if (left > 0) others.splice(0, left, h('li', { class: 'note', text: `${left} more before these` }));
  return [h('ol', { class: 'timeline' }, first ?? null, ...others)];
}
