import { byId, clock, h, seconds } from './dom.js';
import { webhookStateOf } from './story.js';

const MARKS_MAX = 240;

/**
 * The list: a row for each job, changed in place where its job has changed. Time passes by moving the tracks, not the
 * marks on them.
 */
export class Rows {
  #list = byId('list');
  /** @type {Map<string, ReturnType<typeof newRow>>} */
  #rows = new Map();
  #filter = { text: '', status: '', model: '' };
  #base = Date.now();
  #selected = '';
  /** The row that Tab leads to: the last one that was in focus, else the newest. The arrow keys lead to the others. */
  #stop = null;
  #lastFocus = null;
  /** The items in sight: time passes for no other, as a new time costs the styles of all that it is set on. */
  #seen = new Set();
  #sight = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) this.#seen[isIntersecting ? 'add' : 'delete'](target);
  });
  /** How many rows have been made, and changed: what a thousand jobs cost. */
  work = { made: 0, changed: 0 };
  /** How many rows the filter lets through. */
  shown = 0;

  /** @param {(id: string) => void} onOpen */
  constructor(onOpen) {
    this.#list.addEventListener('click', (event) => {
      const row = /** @type {HTMLElement} */ (event.target).closest('button.row');
      if (row instanceof HTMLElement) onOpen(row.dataset.id ?? '');
    });
    this.#list.addEventListener('keydown', (event) => moveFocus(event, this.#list));
    this.#list.addEventListener('focusin', ({ target }) => {
      this.#lastFocus = /** @type {HTMLElement} */ (target).closest('button.row');
      this.#moveStop();
    });
    this.show(60);
  }

  /** @param {number} windowSeconds */
  show(windowSeconds) {
    this.#list.style.setProperty('--window', String(windowSeconds));
    const ticks = [6, 5, 4, 3, 2, 1, 0].map((sixths) => {
      const text = sixths === 0 ? 'now' : `${seconds((windowSeconds / 6) * sixths * 1000)} ago`;
      const tick = h('span', { text });
      tick.style.setProperty('--at', `${100 - (100 * sixths) / 6}%`);
      return tick;
    });
    byId('axis').replaceChildren(...ticks);
  }

  clear() {
    this.#sight.disconnect();
    this.#seen.clear();
    this.#rows.clear();
    this.shown = 0;
    this.#list.replaceChildren();
  }

  /** @param {import('./story.js').Job} job */
  update(job) {
    let row = this.#rows.get(job.id);
    if (!row) {
      row = newRow(job);
      if (job.id === this.#selected) row.button.setAttribute('aria-current', 'true');
      this.#rows.set(job.id, row);
      this.#list.prepend(row.item);
      this.#sight.observe(row.item);
      this.work.made += 1;
    }
    this.work.changed += 1;
    changeRow(row, job, this.#base);
    this.#show(row, this.#matches(job));
    this.#moveStop();
  }

  #moveStop() {
    const isLastThere = this.#lastFocus?.isConnected && !this.#lastFocus.parentElement.hidden;
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
    const { item } = row;
    this.#sight.unobserve(item);
    this.#seen.delete(item);
    item.remove();
    this.#rows.delete(id);
    this.#moveStop();
  }

  /** @param {Partial<{text: string, status: string, model: string}>} filter @param {Map<string, import('./story.js').Job>} jobs */
  filter(filter, jobs) {
    Object.assign(this.#filter, filter);
    for (const [id, row] of this.#rows) {
      const job = jobs.get(id);
      this.#show(row, job !== undefined && this.#matches(job));
    }
    this.#moveStop();
  }

  #show(row, isShown) {
    if (row.item.hidden === isShown) this.shown += isShown ? 1 : -1;
    row.item.hidden = !isShown;
  }

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

  /** Moves the tracks in sight to the present. */
  tick() {
    const now = ((Date.now() - this.#base) / 1000).toFixed(2);
    for (const item of this.#seen) item.style.setProperty('--now', now);
  }
}

function newRow(job) {
  const parts = {
    status: h('span', { class: 'status' }),
    model: h('span', { class: 'model' }),
    id: h('span', { class: 'id', text: job.id }),
    progress: h('span', { class: 'progress' }, h('span', { class: 'bar' })),
    count: h('span', { class: 'count' }),
    webhook: h('span', { class: 'hook' }),
    track: h('span', { class: 'track' }),
    life: h('span', { class: 'life' }),
    next: h('span', { class: 'mark next' }),
  };
  parts.track.append(parts.life, parts.next);
  const button = h(
    'button',
    { type: 'button', class: 'row', tabindex: '-1', 'data-id': job.id },
    parts.status,
    h('span', { class: 'what' }, parts.model, parts.id),
    h('span', { class: 'tasks' }, parts.progress, parts.count),
    h('span', { class: 'window', 'aria-hidden': 'true' }, parts.track),
    parts.webhook,
  );
  return {
    item: h('li', { hidden: true }, button),
    button,
    ...parts,
    polls: 0,
    attempts: 0,
    webhooks: 0,
    rescues: 0,
    marks: 0,
  };
}

function changeRow(row, job, base) {
  const at = (millis) => ((millis - base) / 1000).toFixed(2);
  setText(row.status, job.status);
  row.item.dataset.status = job.status;
  setText(row.model, job.model);
  setText(
    row.count,
    job.total > 1 || job.failed > 0
      ? `${job.completed} of ${job.total}${job.failed > 0 ? `, ${job.failed} failed` : ''}`
      : lookOf(job),
  );
  row.progress.hidden = job.total === 1;
  row.progress.firstElementChild.style.width = `${(100 * job.completed) / Math.max(1, job.total)}%`;
  const state = webhookStateOf(job);
  setText(row.webhook, state === null ? '' : `webhook ${state}`);
  row.webhook.dataset.state = state ?? '';
  row.life.style.setProperty('--from', at(job.createdAt));
  if (job.finishedAt === null) row.life.style.removeProperty('--to');
  else row.life.style.setProperty('--to', at(job.finishedAt));
  const last = job.polls.at(-1);
  row.next.hidden = job.finishedAt !== null || !last || last.wait === null;
  if (!row.next.hidden) row.next.style.setProperty('--at', at(last.at + last.wait));
  addMarks(row, job.polls, 'polls', (poll) => [poll.at, `poll ${poll.outcome}`]);
  addMarks(row, job.attempts, 'attempts', (attempt) => [attempt.at, `attempt ${attempt.outcome}`]);
  addMarks(row, job.rescues, 'rescues', (rescue) => [rescue, 'rescue']);
  if (job.finishedAt !== null && !row.end) {
    row.end = h('span', { class: 'mark end' });
    row.end.style.setProperty('--at', at(job.finishedAt));
    row.track.append(row.end);
  }
  if (job.finishedAt === null && row.end) {
    row.end.remove();
    row.end = null;
  }

  function addMarks(row, all, kind, describe) {
    for (; row[kind] < all.length; row[kind]++) {
      const [millis, classes] = describe(all[row[kind]]);
      const mark = h('span', { class: `mark ${classes}` });
      mark.style.setProperty('--at', at(millis));
      row.track.append(mark);
      row.marks += 1;
      if (row.marks > MARKS_MAX) row.track.querySelector('.mark.poll')?.remove();
    }
  }
}

function lookOf(job) {
  if (job.finishedAt !== null) return `${seconds(job.finishedAt - job.createdAt)}`;
  return job.polls.length === 0 ? `since ${clock(job.createdAt)}` : `asked ${job.polls.length} ×`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function moveFocus(event, list) {
  const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
  if (step === undefined) return;
  const rows = [...list.querySelectorAll('li:not([hidden]) > button')];
  const index = rows.indexOf(document.activeElement);
  const next = Math.max(0, Math.min(rows.length - 1, index + step));
  rows[next]?.focus();
  event.preventDefault();
}
