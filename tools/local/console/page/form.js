import { ask } from './api.js';
import { announce, byId, fieldValue, h } from './dom.js';
import { choose, chosenKind, conversationsIn, KINDS, showContent } from './messages.js';

const FIELDS = ['model_id', 'messages', 'temperature', 'max_tokens', 'webhook_url', 'metadata', 'key'];

/** The model that shows best what a kind of request does, if it is there. @type {Record<string, string>} */
const MODELS = { batch: 'sandbox-batch', vision: 'sandbox-vision', file: 'sandbox-batch' };

/** @param {any} setup @param {(jobId: string) => void} onSubmitted */
export function openForm(setup, onSubmitted) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('form'));
  if (dialog.open) return;
  const models = h(
    'select',
    { id: 'f-model_id', 'aria-describedby': 'e-model_id' },
    ...setup.model_ids.map((/** @type {string} */ id) => h('option', { value: id, text: id })),
  );
  let isModelChosen = false;
  models.addEventListener('input', () => {
    isModelChosen = true;
  });
  const suggestModel = () => {
    const model = MODELS[chosenKind()] ?? setup.model_ids[0];
    if (!isModelChosen && setup.model_ids.includes(model)) models.value = model;
  };
  const ownModel = h('input', { id: 'f-model_id', 'aria-describedby': 'e-model_id', required: true });
  const content = h('div', {
    id: 'f-messages',
    role: 'group',
    'aria-label': 'Messages',
    'aria-describedby': 'e-messages',
  });
  const radios = Object.entries(KINDS).map(([id, name]) => {
    const input = h('input', { type: 'radio', name: 'kind', value: id, checked: id === chosenKind() });
    input.addEventListener('input', () => {
      choose(id, content);
      suggestModel();
    });
    return h('label', {}, input, h('span', { text: name }));
  });
  const submit = h('button', { type: 'submit', class: 'primary', text: 'Submit' });
  const form = h(
    'form',
    { novalidate: true },
    h('h2', { id: 'form-title', text: 'New job' }),
    h('fieldset', { class: 'kinds' }, h('legend', { class: 'hidden', text: 'Kind' }), ...radios),
    field('model_id', 'Model', setup.model_ids.length > 0 ? models : ownModel),
    field('messages', null, content),
    h(
      'details',
      {},
      h('summary', { text: 'Options' }),
      field(
        'temperature',
        'Temperature',
        h('input', {
          id: 'f-temperature',
          inputmode: 'decimal',
          placeholder: '0.7',
          'aria-describedby': 'e-temperature',
        }),
      ),
      field(
        'max_tokens',
        'Max tokens',
        h('input', {
          id: 'f-max_tokens',
          inputmode: 'numeric',
          placeholder: '512',
          'aria-describedby': 'e-max_tokens',
        }),
      ),
      field(
        'webhook_url',
        'Webhook URL',
        h('input', { id: 'f-webhook_url', value: setup.inbox_url, 'aria-describedby': 'e-webhook_url' }),
      ),
      field(
        'metadata',
        'Metadata, a name=value on each line',
        h('textarea', { id: 'f-metadata', rows: 2, 'aria-describedby': 'e-metadata' }),
      ),
      field(
        'key',
        'Idempotency-Key',
        h('input', { id: 'f-key', autocomplete: 'off', 'aria-describedby': 'e-key' }),
      ),
      field(
        'client',
        'As',
        h(
          'select',
          { id: 'f-client' },
          ...setup.clients.map((/** @type {string} */ name) => h('option', { value: name, text: name })),
        ),
      ),
    ),
    h('p', { id: 'f-problem', role: 'alert', class: 'problem' }),
    h(
      'p',
      { class: 'actions end' },
      h('button', { type: 'button', text: 'Close', onclick: () => dialog.close() }),
      submit,
    ),
  );
  let isSubmitting = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    // A second click is not a second job.
    if (isSubmitting) return;
    isSubmitting = true;
    submit.textContent = 'Submitting…';
    void submitIn(dialog, form, onSubmitted).finally(() => {
      isSubmitting = false;
      submit.textContent = 'Submit';
    });
  });
  dialog.replaceChildren(form);
  showContent(content);
  suggestModel();
  dialog.showModal();
  form.querySelector('textarea')?.focus();
}

/** @param {HTMLDialogElement} dialog @param {HTMLFormElement} form @param {(jobId: string) => void} onSubmitted */
async function submitIn(dialog, form, onSubmitted) {
  for (const name of FIELDS) byId(`e-${name}`).textContent = '';
  byId('f-problem').textContent = '';
  const metadata = metadataIn();
  if (!metadata) {
    byId('e-metadata').textContent = 'Must be name=value on each line, and each name once';
    return;
  }
  const request = await requestIn(metadata).catch((error) => {
    byId('e-messages').textContent = error.message;
    byId('f-problem').textContent = error.message;
    return null;
  });
  if (!request) return;
  const key = fieldValue('f-key');
  if (!/^[ -~]*$/.test(key)) {
    byId('e-key').textContent = 'Must be of ASCII characters';
    return;
  }
  /** @type {Record<string, string>} */
  const headers = key ? { 'idempotency-key': key } : {};
  const { status, body } = await ask(fieldValue('f-client'), '/jobs', {
    method: 'POST',
    body: request,
    headers,
  });
  // It may have been closed meanwhile, and another one opened.
  const isOpen = dialog.open && dialog.contains(form);
  if (status === 202) {
    if (isOpen) dialog.close();
    return onSubmitted(body.job_id);
  }
  const problem =
    status === 0
      ? body.detail
      : [status, `${body?.code ?? ''}:`, body?.detail ?? 'the API gave no reason.'].join(' ');
  if (!isOpen) return announce(`The job was refused. ${problem}`);
  byId('f-problem').textContent = problem;
  const options = dialog.querySelector('details');
  for (const { pointer, message } of body?.errors ?? []) {
    const name = FIELDS.find((each) => pointer === `/${each}` || pointer.startsWith(`/${each}/`));
    const place = byId(name ? `e-${name}` : 'f-problem');
    place.textContent = [
      place.textContent,
      `${pointer.split('/').length > 2 ? `${pointer}: ` : ''}${message}`,
    ]
      .filter(Boolean)
      .join(' ');
    if (name && options?.contains(place)) options.open = true;
  }
}

/** Null: one of its lines says nothing, or something that another one has said. */
function metadataIn() {
  const lines = fieldValue('f-metadata')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const pairs = lines.map((line) => /^\s*(.*?)\s*=\s*(.*?)\s*$/.exec(line)?.slice(1) ?? ['']);
  const metadata = Object.fromEntries(pairs);
  const isGood = pairs.every(([name]) => name !== '') && Object.keys(metadata).length === pairs.length;
  return isGood ? metadata : null;
}

/** @param {Record<string, string>} metadata */
async function requestIn(metadata) {
  /** Text that is not a number is sent unchanged, so that the API says so. @param {string} id */
  const number = (id) => {
    const text = fieldValue(id).trim();
    if (text === '') return undefined;
    return Number.isFinite(Number(text)) ? Number(text) : text;
  };
  return {
    model_id: fieldValue('f-model_id'),
    ...(await conversationsIn(fieldValue('f-client'))),
    temperature: number('f-temperature'),
    max_tokens: number('f-max_tokens'),
    ...(fieldValue('f-webhook_url') && { webhook_url: fieldValue('f-webhook_url') }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

/** @param {string} name @param {string | null} label @param {HTMLElement} input */
function field(name, label, input) {
  const fault = h('span', { class: 'problem', id: `e-${name}` });
  return label === null
    ? h('div', { class: 'field' }, input, fault)
    : h('label', { class: 'field' }, h('span', { text: label }), input, fault);
}
