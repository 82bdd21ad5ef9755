import { ask, local } from './api.js';
import { announce, byId, clock, h, seconds } from './dom.js';
import { webhookStateOf } from './story.js';

const TABS = ['Polls', 'Results', 'Webhook', 'Request', 'Code'];

/** One job, in all it did and said. */
export class Detail {
  /** @type {string | null} */
  id = null;
  #place = byId('detail');
  #setup;
  #close;
  /** @type {import('./story.js').Job | null} */
  #job = null;
  #tab = 'Polls';
  /** What the API says of it, and its deliveries. */
  #shown = { status: '', attempts: -1 };
  /** @type {any} */
  #public = null;
  /** @type {any[]} */
  #deliveries = [];
  /** @type {any} */
  #request = null;
  #language = 'curl';
  #kind = 'submit';

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
    this.#request = null;
    this.#deliveries = [];
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
    if (this.#tab === 'Polls' || this.#tab === 'Webhook') this.#showTab();
    if (this.#shown.status !== job.status || this.#shown.attempts !== job.attempts.length) void this.#load();
  }

  async #load() {
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    this.#shown = { status: job.status, attempts: job.attempts.length };
    if (job.status === 'refused') return;
    const client = job.client || this.#setup.clients[0];
    const [read, deliveries, request] = await Promise.all([
      ask(client, `/jobs/${job.id}`),
      ask(client, `/jobs/${job.id}/deliveries`),
      local(`/request?job_id=${job.id}`),
    ]);
    if (this.id !== job.id) return;
    if (read.status === 200) this.#public = read.body;
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
      const next = TABS[(TABS.indexOf(this.#tab) + step + TABS.length) % TABS.length] ?? 'Polls';
      this.#choose(next);
      byId(`tab-${next}`).focus();
    });
    this.#place.replaceChildren(
      h('div', { class: 'head' }),
      list,
      h('div', { role: 'tabpanel', id: 'tab-panel', class: 'panel', tabindex: '0' }),
    );
    this.#showHead();
    this.#choose(this.#tab);
  }

  /** @param {string} name */
  #choose(name) {
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
    const focused = document.activeElement;
    const hadFocus = head.contains(focused) ? focused?.id : null;
    const webhook = this.#public?.webhook ?? null;
    const isOver = job.finishedAt !== null;
    const facts = [
      job.model,
      job.client,
      `${job.total} ${job.total === 1 ? 'conversation' : 'conversations'}`,
      isOver ? `took ${seconds(job.finishedAt - job.createdAt)}` : `since ${clock(job.createdAt)}`,
      job.cause,
    ];
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
    head.replaceChildren(
      h(
        'div',
        { class: 'title' },
        h('span', { class: `status is-${job.status}`, text: job.status }),
        h('h2', { id: 'detail-title', tabindex: '-1', text: job.id }),
        h('button', {
          type: 'button',
          id: 'close',
          'aria-label': 'Close',
          text: '×',
          onclick: () => this.#close(),
        }),
      ),
      h('p', { class: 'quiet', text: facts.filter(Boolean).join(' · ') }),
      h(
        'p',
        { class: 'actions' },
        job.status === 'running' ? cancel : null,
        isOver && webhook ? redeliver : null,
        h('span', { id: 'acted', role: 'status', class: 'quiet' }),
      ),
    );
    if (hadFocus) document.getElementById(hadFocus)?.focus();
  }

  /** @param {'cancel' | 'redeliver'} action */
  async #act(action) {
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    const { status, body } = await ask(job.client || this.#setup.clients[0], `/jobs/${job.id}/${action}`, {
      method: 'POST',
    });
    const said =
      status < 300
        ? action === 'cancel'
          ? 'Cancelled.'
          : 'On its way again.'
        : (body?.detail ?? `It answered ${status}.`);
    await this.#load();
    const place = document.getElementById('acted');
    if (place) place.textContent = said;
    announce(said);
  }

  #showTab() {
    const panel = byId('tab-panel');
    const scroll = panel.scrollTop;
    const make = {
      Polls: () => this.#polls(),
      Results: () => this.#results(),
      Webhook: () => this.#webhook(),
      Request: () => this.#asked(),
      Code: () => this.#code(),
    };
    panel.replaceChildren(...make[this.#tab]());
    panel.scrollTop = scroll;
  }

  #polls() {
    const { polls, createdAt, finishedAt, status } = /** @type {import('./story.js').Job} */ (this.#job);
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
    return [
      table('Looks at ModelStudio', ['', 'Age', 'Against plan', 'Found', 'Next'], rows),
      waiting,
    ].filter((part) => part !== null);
  }

  #results() {
    const job = this.#public;
    if (!job) return [h('p', { class: 'quiet', text: 'Nothing is known of it yet.' })];
    if (job.error) return [h('p', { class: 'problem', text: `${job.error.code}: ${job.error.message}` })];
    if (job.results_url) return [h('p', {}, 'The results are large: ', h('code', { text: job.results_url }))];
    if (!job.results)
      return [h('p', { class: 'quiet', text: job.finished_at ? 'It has no results.' : 'Not finished yet.' })];
    return job.results.map((task) =>
      h(
        'article',
        { class: 'result' },
        h(
          'h3',
          { text: `Conversation ${task.task_index}` },
          h('span', { class: `status is-${task.error ? 'failed' : 'completed'}`, text: task.status }),
        ),
        h('pre', {
          tabindex: '0',
          text: task.error
            ? JSON.stringify(task.error)
            : typeof task.result === 'string'
              ? task.result
              : JSON.stringify(task.result, null, 2),
        }),
      ),
    );
  }

  #webhook() {
    const job = /** @type {import('./story.js').Job} */ (this.#job);
    const webhook = this.#public?.webhook;
    if (!webhook && job.attempts.length === 0)
      return [
        h('p', {
          class: 'quiet',
          text: this.#public ? 'It has no webhook: read the job.' : 'Not known yet.',
        }),
      ];
    const rows = this.#deliveries.map((delivery) => [
      String(delivery.attempt),
      clock(Date.parse(delivery.at)),
      String(delivery.status ?? delivery.error ?? '–'),
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
          tabindex: '0',
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
        {},
        h('code', { text: webhook?.url ?? '' }),
        state ? h('span', { class: `status is-${state}`, text: state }) : null,
      ),
      table('Attempts to deliver', ['', 'At', 'Answer', 'Took', 'Next'], rows),
      h('h3', { text: 'Received by the inbox' }),
      ...(received.length > 0 ? received : [h('p', { class: 'quiet', text: 'Nothing yet.' })]),
    ];
  }

  #asked() {
    if (this.#request)
      return [h('pre', { tabindex: '0', text: JSON.stringify(shortened(this.#request), null, 2) })];
    return [
      h('p', {
        class: 'quiet',
        text: 'It was not submitted from this page, and prompts stand in no log. This is what the API knows:',
      }),
      h('pre', { tabindex: '0', text: JSON.stringify(this.#public, null, 2) }),
    ];
  }

  #code() {
    const { languages } = this.#setup;
    const language = languages.find(({ id }) => id === this.#language) ?? languages[0];
    if (!language.kinds.includes(this.#kind)) this.#kind = 'submit';
    const code = h('pre', { class: 'code', tabindex: '0' });
    const copy = h('button', {
      type: 'button',
      text: 'Copy',
      onclick: () => navigator.clipboard.writeText(code.textContent ?? '').then(() => announce('Copied')),
    });
    const choose = (name, options, value, take) => {
      const select = h(
        'select',
        { 'aria-label': name },
        ...options.map(([id, text]) => h('option', { value: id, text, selected: id === value })),
      );
      select.addEventListener('input', () => {
        take(/** @type {HTMLSelectElement} */ (select).value);
        this.#showTab();
      });
      return select;
    };
    const kinds = { submit: 'Submit it', read: 'Read it', receive: 'Receive its webhook' };
    const request = this.#request ?? {
      model_id: this.#job?.model,
      messages: [[{ role: 'user', content: 'Hello' }]],
    };
    void local('/snippet', { language: language.id, kind: this.#kind, request }).then((answer) => {
      code.textContent = answer?.code ?? '';
    });
    return [
      h(
        'p',
        { class: 'actions' },
        choose(
          'Language',
          languages.map(({ id, name }) => [id, name]),
          language.id,
          (value) => {
            this.#language = value;
          },
        ),
        choose(
          'What to do',
          language.kinds.map((kind) => [kind, kinds[kind]]),
          this.#kind,
          (value) => {
            this.#kind = value;
          },
        ),
        copy,
      ),
      code,
    ];
  }
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
