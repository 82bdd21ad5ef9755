import { byId, h, seconds } from './dom.js';
import { isSettled, momentsOf } from './moments.js';
import { changeRow, fitTrack, newRow, showNow } from './row.js';

/** @typedef {import('./story.js').Job} Job @typedef {import('./row.js').Row} Row */

/** From the edges of a track to what is marked on it, and from its right edge to now: as in style.css. */
const EDGE_PX = 8;
const NOW_PX = 28;

/**
 * The list: a row for each job, changed in place where its job has changed. Either each track fits its own job, or all
 * of them show the same last seconds; then time passes by moving the tracks, not the marks on them.
 */
export class Rows {
  #list = byId('list');
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {WeakMap<Element, Row>} */
  #byItem = new WeakMap();
  #filter = { text: '', status: '', model: '' };
  #selected = '';
  /** Null: each track fits its job. @type {number | null} */
  #windowSeconds = null;
  /** The row that Tab leads to: the last one that was in focus, else the newest. The arrow keys lead to the others. @type {Element | null} */
  #stop = null;
  /** @type {HTMLElement | null} */
  #lastFocus = null;
  /** The rows in sight: time passes for no other, as a new time costs the styles of all that it is set on. @type {Set<Row>} */
  #seen = new Set();
  #sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = this.#byItem.get(target);
      if (row) this.#seen[isIntersecting ? 'add' : 'delete'](row);
    }
    this.tick(true);
  });
  /** How many rows have been made, and changed: what a thousand jobs cost. */
  work = { made: 0, changed: 0 };
  /** How many rows the filter lets through. */
  shown = 0;

  /** @param {(id: string) => void} onOpen */
  constructor(onOpen) {
    this.#list.addEventListener('click', ({ target }) => {
      const row = rowOf(target);
      if (row) onOpen(row.dataset.id ?? '');
    });
    this.#list.addEventListener('keydown', (event) => moveFocus(event, this.#list));
    this.#list.addEventListener('focusin', ({ target }) => {
      this.#lastFocus = rowOf(target);
      this.#moveStop();
    });
    this.show(null);
  }

  /** @param {number | null} windowSeconds null: each job's own time */
  show(windowSeconds) {
    this.#windowSeconds = windowSeconds;
    this.#list.classList.toggle('fits', windowSeconds === null);
    this.#list.style.setProperty('--window', String(windowSeconds ?? 1));
    const ticks = [3, 2, 1, 0].map((thirds) => {
      const text = thirds === 0 ? 'now' : `−${seconds(((windowSeconds ?? 0) / 3) * thirds * 1000)}`;
      return h('span', { text, style: `--at: ${1 - thirds / 3}` });
    });
    byId('axis').replaceChildren(
      ...(windowSeconds === null ? ['Timeline, each job at its own scale'] : ticks),
    );
    this.tick(true);
  }

  clear() {
    this.#sight.disconnect();
    this.#seen.clear();
    this.#rows.clear();
    this.shown = 0;
    this.#list.replaceChildren();
  }

  /** @param {Job} job */
  update(job) {
    let row = this.#rows.get(job.id);
    if (!row) {
      row = newRow(job);
      if (job.id === this.#selected) row.button.setAttribute('aria-current', 'true');
      this.#rows.set(job.id, row);
      this.#byItem.set(row.item, row);
      this.#list.prepend(row.item);
      this.#sight.observe(row.item);
      this.#seen.add(row);
      this.work.made += 1;
    }
    this.work.changed += 1;
    changeRow(row, job);
    if (this.#seen.has(row)) fitTrack(row, Date.now());
    this.#show(row, this.#matches(job));
    this.#moveStop();
  }

  #moveStop() {
    const isLastThere = this.#lastFocus?.isConnected && !this.#lastFocus.parentElement?.hidden;
    const next = isLastThere ? this.#lastFocus : this.#list.querySelector('li:not([hidden]) > button');
    if (next === this.#stop) return;
    this.#stop?.setAttribute('tabindex', '-1');
    next?.removeAttribute('tabindex');
    this.#stop = next;
  }

  /** @param {string} id */
  remove(id) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#show(row, false);
    this.#sight.unobserve(row.item);
    this.#seen.delete(row);
    row.item.remove();
    this.#rows.delete(id);
    this.#moveStop();
  }

  /** @param {{text: string, status: string, model: string}} filter */
  filter(filter) {
    this.#filter = filter;
    for (const row of this.#rows.values()) this.#show(row, this.#matches(row.job));
    this.#moveStop();
  }

  /** @param {Row} row @param {boolean} isShown */
  #show(row, isShown) {
    if (row.item.hidden === isShown) this.shown += isShown ? 1 : -1;
    row.item.hidden = !isShown;
  }

  /** @param {Job} job */
  #matches(job) {
    const { text, status, model } = this.#filter;
    if (status && job.status !== status) return false;
    if (model && job.model !== model) return false;
    return !text || `${job.id} ${job.model} ${job.client} ${job.status}`.toLowerCase().includes(text);
  }

  /** @param {string | null} id */
  select(id) {
    this.#rows.get(this.#selected)?.button.removeAttribute('aria-current');
    this.#selected = id ?? '';
    this.#rows.get(this.#selected)?.button.setAttribute('aria-current', 'true');
  }

  /** @param {string} id @returns {boolean} whether there is such a row to be seen */
  focus(id) {
    const row = this.#rows.get(id);
    if (!row || row.item.hidden) return false;
    row.button.focus();
    return true;
  }

  /** Brings the rows in sight to the present. @param {boolean} [isForAll] those that have settled, too */
  tick(isForAll = false) {
    const now = Date.now();
    for (const row of this.#seen) {
      const isLive = !isSettled(row.job);
      if (isLive || isForAll || this.#windowSeconds !== null) showNow(row, now);
      if (isForAll || (isLive && now > row.until)) fitTrack(row, now);
    }
  }

  /** What is marked near there on a track. @param {Element} track @param {number} x */
  momentsAt(track, x) {
    const row = this.#byItem.get(/** @type {Element} */ (track.closest('li')));
    if (!row) return [];
    const { left, right, width } = track.getBoundingClientRect();
    const now = Date.now();
    const seen = this.#windowSeconds === null ? 0 : (width - NOW_PX) / (1000 * this.#windowSeconds);
    const own = (width - 2 * EDGE_PX) / (row.until - row.job.createdAt);
    /** @param {number} at */
    const place = (at) => {
      const x =
        seen === 0 ? left + EDGE_PX + (at - row.job.createdAt) * own : right - NOW_PX - (now - at) * seen;
      return Math.min(x, right - EDGE_PX);
    };
    return momentsOf(row.job).filter(({ at }) => Math.abs(place(at) - x) <= EDGE_PX);
  }
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
function rowOf(target) {
  return /** @type {Element} */ (target).closest('button.row');
}

/** @param {KeyboardEvent} event @param {HTMLElement} list */
function moveFocus(event, list) {
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
  if (step === undefined) return;
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('li:not([hidden]) > button')]);
  const index = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const next = Math.max(0, Math.min(rows.length - 1, index + step));
  rows[next]?.focus();
  event.preventDefault();
}
