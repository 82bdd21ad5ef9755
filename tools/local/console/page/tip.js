import { byId, exactClock, h } from './dom.js';

/** Says what the marks near the pointer are, and when that was. @param {import('./rows.js').Rows} rows */
export function tellMarks(rows) {
  const tip = byId('tip');
  const list = byId('list');
  list.addEventListener('pointermove', ({ target, clientX }) => {
    const track = /** @type {Element} */ (target).closest('.window');
    const moments = track ? rows.momentsAt(track, clientX) : [];
    tip.hidden = moments.length === 0;
    if (tip.hidden || !track) return;
    tip.replaceChildren(
      ...moments.map(({ at, mark, title, note }) =>
        h(
          'p',
          {},
          h('span', { class: `mark ${mark}` }),
          h('span', {}, h('b', { text: title }), h('span', { class: 'note', text: note })),
          h('time', { text: exactClock(at) }),
        ),
      ),
    );
    // Where it is as wide as it wants to be.
    tip.style.left = '0';
    const { top, bottom } = track.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = tip;
    const left = Math.min(clientX - offsetWidth / 2, document.documentElement.clientWidth - offsetWidth - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${top > offsetHeight + 64 ? top - offsetHeight : bottom}px`;
  });
  for (const name of ['pointerleave', 'click'])
    list.addEventListener(name, () => tip.toggleAttribute('hidden', true));
}
