import { ask, local } from './api.js';
import { codePanel } from './code.js';
import { announce, byId, clock, h, pill, seconds } from './dom.js';
import { requestPanel, resultsPanel, webhookPanel } from './panels.js';
import { isUndelivered, totalOf } from './story.js';
import { timelinePanel } from './timeline.js';

const TABS = ['Timeline', 'Results', 'Webhook', 'Request', 'Code'];

/** One job, in all it did and said. */
export class Detail {
  /** @type {string | null} */
  id = null;
  #place = byId('detail');
  #setup;
  #close;
  /** @type {import('./story.js').Job | null} */
  #job = null;
  /** Which is shown, and which was chosen: a job whose webhook does not come opens on that. */
  #tab = 'Timeline';
  #chosen = 'Timeline';
  /** What the API says of it, and its deliveries. */
  #shown = { status: '', attempts: -1 };
  /** @type {any} */
  #public = null;
  /** @type {any[]} */
  #deliveries = [];
  /** @type {any} */
  #request = null;
  /** Its results, if they are too large to stand in what the API says of it. @type {any[] | null} */
  #large = null;
  #shownHead = '';
  /** Why the last thing that was asked of the job was not done. */
  #problem = '';

  /** @param {any} setup @param {() => void} close */
  constructor(setup, close) {
    this.#setup = setup;
    this.#close = close;
  }

  /** @param {import('./story.js').Job} job */
  async open(job) {
    this.id = job.id;
    this.#job = job;
    this.#public = null;
    this.#large = null;
    this.#request = null;
    this.#deliveries = [];
    this.#problem = '';
    this.#tab = isUndelivered(job) ? 'Webhook' : this.#chosen;
    this.#shown = { status: '', attempts: -1 };
    this.#place.hidden = false;
    this.#build();
    this.#place.querySelector('h2')?.focus();
    await this.#load();
  }

  hide() {
    this.id = null;
    this.#job = null;
    this.#place.hidden = true;
    this.#place.replaceChildren();
  }

  /** @param {import('./story.js').Job} job */
  refresh(job) {
    if (!this.#job) return;
    this.#job = job;
    this.#showHead();
    if (this.#tab === 'Timeline' || this.#tab === 'Webhook') this.#showTab();
    if (this.#shown.status !== job.status || this.#shown.attempts !== job.attempts.length) void this.#load();
  }

  async #load() {
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    this.#shown = { status: job.status, attempts: job.attempts.length };
    if (job.status === 'refused') return;
    const client = job.client || this.#setup.clients[0];
    const [read, deliveries, request] = await Promise.all([
      ask(client, pathOf(job)),
      ask(client, `${pathOf(job)}/deliveries`),
      local(`/request?job_id=${encodeURIComponent(job.id)}`),
    ]);
    if (this.id !== job.id) return;
    if (read.status === 200) this.#public = read.body;
    if (read.body?.results_url) this.#large = (await ask(client, `${pathOf(job)}/results`)).body;
    if (this.id !== job.id) return;
    if (deliveries.status === 200) this.#deliveries = deliveries.body.deliveries;
    this.#request = request;
    this.#showHead();
    this.#showTab();
  }

  #build() {
    const tabs = TABS.map((name) =>
      h('button', {
        type: 'button',
        role: 'tab',
        id: `tab-${name}`,
        'aria-controls': 'tab-panel',
        text: name,
        onclick: () => this.#choose(name),
      }),
    );
    const list = h('div', { role: 'tablist', 'aria-label': 'About this job', class: 'tabs' }, ...tabs);
    list.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[/** @type {KeyboardEvent} */ (event).key];
      if (!step) return;
      const next = TABS[(TABS.indexOf(this.#tab) + step + TABS.length) % TABS.length] ?? 'Timeline';
      this.#choose(next);
      byId(`tab-${next}`).focus();
    });
    this.#place.replaceChildren(
      h('div', { class: 'head' }),
      list,
      h('div', { role: 'tabpanel', id: 'tab-panel', class: 'panel', tabindex: '0' }),
    );
    this.#shownHead = '';
    this.#showHead();
    this.#select(this.#tab);
  }

  /** @param {string} name */
  #choose(name) {
    this.#chosen = name;
    this.#select(name);
  }

  /** @param {string} name */
  #select(name) {
    this.#tab = name;
    for (const each of TABS) {
      const tab = byId(`tab-${each}`);
      tab.setAttribute('aria-selected', String(each === name));
      tab.tabIndex = each === name ? 0 : -1;
    }
    byId('tab-panel').setAttribute('aria-labelledby', `tab-${name}`);
    this.#showTab();
  }

  #showHead() {
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    const head = this.#place.querySelector('.head');
    if (!head) return;
    const webhook = this.#public?.webhook ?? null;
    const facts = [
      job.model,
      job.client,
      `${totalOf(job)} ${job.total === 1 ? 'conversation' : 'conversations'}`,
      job.finishedAt === null
        ? `since ${clock(job.createdAt)}`
        : `took ${seconds(job.finishedAt - job.createdAt)}`,
      job.cause,
    ].filter(Boolean);
    // Not for every event: a button that is being clicked must stay where it is.
    const shown = JSON.stringify([job.id, job.status, facts, webhook, this.#problem]);
    if (shown === this.#shownHead) return;
    this.#shownHead = shown;
    const cancel = h('button', {
      type: 'button',
      id: 'cancel',
      text: 'Cancel',
      onclick: () => this.#act('cancel'),
    });
    const redeliver = h('button', {
      type: 'button',
      id: 'redeliver',
      text: 'Redeliver webhook',
      onclick: () => this.#act('redeliver'),
    });
    replaceIn(
      head,
      h(
        'div',
        { class: 'title' },
        pill(job.status),
        h('h2', { id: 'detail-title', tabindex: '-1', text: job.id }),
        h('button', {
          type: 'button',
          id: 'close',
          'aria-label': 'Close',
          text: '×',
          onclick: () => this.#close(),
        }),
      ),
      h('p', { class: 'quiet', text: facts.join(' · ') }),
      h(
        'p',
        { class: 'actions' },
        job.finishedAt === null ? cancel : null,
        job.finishedAt !== null && webhook ? redeliver : null,
        h('span', { class: 'problem', text: this.#problem }),
      ),
    );
  }

  /** @param {'cancel' | 'redeliver'} action */
  async #act(action) {
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    const { status, body } = await ask(job.client || this.#setup.clients[0], `${pathOf(job)}/${action}`, {
      method: 'POST',
    });
    if (this.id !== job.id) return;
    const isDone = status === 200 || status === 202;
    const done = { cancel: 'Job cancelled.', redeliver: 'The webhook is on its way again.' }[action];
    this.#problem = isDone ? '' : (body?.detail ?? `The API answered ${status}.`);
    announce(this.#problem || done);
    await this.#load();
  }

  #showTab() {
    const panel = byId('tab-panel');
    const scroll = panel.scrollTop;
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    /** @type {Record<string, () => Node[]>} */
    const make = {
      Timeline: () => timelinePanel(job),
      Results: () => resultsPanel(job, this.#public, this.#large),
      Webhook: () => webhookPanel(job, this.#public, this.#deliveries),
      Request: () => requestPanel(job, this.#request, this.#public),
      Code: () => codePanel(this.#setup.languages, this.#request ?? helloTo(job.model)),
    };
    replaceIn(panel, ...(make[this.#tab]?.() ?? []));
    panel.scrollTop = scroll;
  }
}

/** @param {{id: string}} job */
function pathOf({ id }) {
  return `/jobs/${encodeURIComponent(id)}`;
}

/** The focus stays with what has the same id. @param {Element} place @param {...Node} children */
function replaceIn(place, ...children) {
  const focused = document.activeElement;
  const isInside = place !== focused && place.contains(focused);
  place.replaceChildren(...children);
  if (isInside) (document.getElementById(focused?.id ?? '') ?? byId('detail-title')).focus();
}

/** What could be asked of it. @param {string} model */
function helloTo(model) {
  return { model_id: model, messages: [[{ role: 'user', content: 'Hello' }]] };
}
