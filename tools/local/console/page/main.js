import { local } from './api.js';
import { Detail } from './detail.js';
import { announce, byId, fieldValue, h } from './dom.js';
import { showFigures } from './figures.js';
import { openForm } from './form.js';
import { LEGEND } from './moments.js';
import { Rows } from './rows.js';
import { Story } from './story.js';
import { showSwitches } from './switches.js';
import { tellMarks } from './tip.js';

const STATUSES = ['queued', 'running', 'completed', 'failed', 'cancelled', 'expired', 'refused'];

const setup = await local('/setup');
const NO_JOBS = 'Nothing yet. Submit a job, here or with curl, and watch it.';
const NO_MATCH = 'No job is like that.';
/** Of a frame of sixteen. */
const FRAME_MILLIS = 8;

const story = new Story();
story.switches = setup.switches;
const rows = new Rows((id) => open(id));
const detail = new Detail(setup, () => close());
const models = new Set();
let isWaiting = false;
/** @type {string[]} How the jobs ended that are yet to be announced. */
const ends = [];
const isStill = matchMedia('(prefers-reduced-motion: reduce)');
let tickedAt = 0;

/** For measurements and tests. */
const frames = /** @type {number[]} */ ([]);
Object.assign(globalThis, { console_: { story, rows, frames } });

follow();
showSwitches(story.switches);
showFigures(story.jobs);
listen();
showLegend();
tellMarks(rows);
requestAnimationFrame(tick);

/** How long until a connection that the browser itself has given up is tried again. */
const AGAIN_MILLIS = 2000;

function follow() {
  const events = new EventSource('/events');
  const connection = byId('connection');
  events.addEventListener('open', () => {
    connection.textContent = '';
  });
  events.addEventListener('error', () => {
    connection.textContent = 'The local system does not answer; trying again.';
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MILLIS);
  });
  events.addEventListener('snapshot', ({ data }) => {
    story.clear();
    rows.clear();
    for (const event of JSON.parse(data)) story.add(event);
    showSwitches(story.switches);
    if (detail.id && !story.jobs.has(detail.id)) close();
    changed();
  });
  events.addEventListener('event', ({ data }) => {
    const event = JSON.parse(data);
    story.add(event);
    if (event.type === 'switches') showSwitches(story.switches);
    if (event.stage === 'finish') announceEnd(event.outcome);
    changed();
  });
}

/** A second's worth at once: a burst of ends must not be read out one by one. @param {string} outcome */
function announceEnd(outcome) {
  ends.push(outcome);
  if (ends.length > 1) return;
  setTimeout(() => {
    announce(ends.length === 1 ? `Job ${outcome}` : `${ends.length} jobs ended`);
    ends.length = 0;
  }, 1000);
}

/** However many events come, the page is changed once a frame, and only where they say. */
function changed() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    const startedAt = performance.now();
    isWaiting = false;
    for (const id of story.changed) {
      story.changed.delete(id);
      show(id);
      // The rest in the next frame: a burst of thousands must not hold up a click.
      if (performance.now() - startedAt > FRAME_MILLIS) break;
    }
    if (story.changed.size > 0) changed();
    else document.body.dataset.ready = 'true';
    showNothing();
    showFigures(story.jobs);
    frames.push(performance.now() - startedAt);
    if (frames.length > 5000) frames.shift();
  });
}

function showLegend() {
  const keys = Object.entries(LEGEND).map(([mark, text]) =>
    h('li', {}, h('span', { class: `mark ${mark}` }), text),
  );
  byId('legend').append(...keys);
}

function showNothing() {
  const nothing = byId('nothing');
  nothing.hidden = rows.shown > 0;
  nothing.textContent = story.jobs.size > 0 ? NO_MATCH : NO_JOBS;
}

/** @param {string} id */
function show(id) {
  const job = story.jobs.get(id);
  if (!job) {
    if (detail.id === id) close();
    return rows.remove(id);
  }
  rows.update(job);
  if (detail.id === id) detail.refresh(job);
  if (job.model && !models.has(job.model)) addModel(job.model);
}

/** @param {string} model */
function addModel(model) {
  models.add(model);
  byId('model').append(h('option', { value: model, text: model }));
}

/** @param {number} now */
function tick(now) {
  if (now - tickedAt >= (isStill.matches ? 1000 : 33)) {
    tickedAt = now;
    rows.tick();
  }
  requestAnimationFrame(tick);
}

/** @param {string} id */
function open(id) {
  const job = story.jobs.get(id);
  if (!job) return;
  rows.select(id);
  document.body.classList.add('with-detail');
  void detail.open(job);
}

function close() {
  const { id } = detail;
  detail.hide();
  document.body.classList.remove('with-detail');
  rows.select(null);
  if (id && !rows.focus(id)) byId('search').focus();
}

function listen() {
  const newJob = () => openForm(setup, (jobId) => announce(`Submitted ${jobId}`));
  byId('new-job').addEventListener('click', newJob);
  const status = byId('status');
  for (const name of STATUSES) status.append(h('option', { value: name, text: name }));
  const refilter = () => {
    const text = fieldValue('search').trim().toLowerCase();
    rows.filter({ text, status: fieldValue('status'), model: fieldValue('model') });
    showNothing();
    announce(`${rows.shown} ${rows.shown === 1 ? 'job' : 'jobs'} shown`);
  };
  for (const id of ['search', 'status', 'model']) byId(id).addEventListener('input', refilter);
  byId('window').addEventListener('input', () => rows.show(Number(fieldValue('window')) || null));
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && detail.id && !isBusy(event.target)) return close();
    const isTyping = /** @type {HTMLElement} */ (event.target).closest('input, textarea, select, dialog');
    if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === '/') {
      event.preventDefault();
      byId('search').focus();
    }
    if (event.key === 'n') {
      event.preventDefault();
      newJob();
    }
  });
}

/** Escape is for a form, or a search that is being typed, first. @param {EventTarget | null} target */
function isBusy(target) {
  if (document.querySelector('dialog[open]')) return true;
  return target === byId('search') && fieldValue('search') !== '';
}
