import { upload } from './api.js';
import { byId, h } from './dom.js';

export const KINDS = {
  single: 'Single',
  batch: 'Batch',
  turns: 'Conversation',
  vision: 'Image',
  file: 'File',
};
/** As data in base64 it must fit into a body of 4 MiB. */
const IMAGE_MAX_BYTES = 2.9 * 1024 * 1024;

/** Held from form to form. */
let kind = 'single';
/** @type {Record<string, string>} */
const texts = {
  single: 'Name the capital of France.',
  batch: 'Name the capital of France.\nName the capital of Japan.\nName the capital of Kenya.',
  vision: 'What is in this picture?',
};
let turns = [
  { role: 'system', content: 'Answer in one word.' },
  { role: 'user', content: 'Name the capital of Kenya.' },
];

export const chosenKind = () => kind;

/** @param {string} id of KINDS @param {HTMLElement} place */
export function choose(id, place) {
  kind = id;
  showContent(place);
}

/**
 * Of a request. What is chosen from the disk is uploaded before.
 * @param {string} client
 * @throws with a sentence when they are not ready
 */
export async function conversationsIn(client) {
  if (kind !== 'file') return { messages: await messagesIn() };
  const [file] = /** @type {HTMLInputElement} */ (byId('f-file')).files ?? [];
  if (!file) throw new Error('Choose a file.');
  const progress = /** @type {HTMLProgressElement} */ (byId('f-progress'));
  progress.hidden = false;
  try {
    return { messages_from: await upload(client, file, (share) => (progress.value = share)) };
  } finally {
    progress.hidden = true;
  }
}

async function messagesIn() {
  const user = (/** @type {unknown} */ content) => ({ role: 'user', content });
  if (kind === 'turns') return [turns];
  const text = texts[kind] ?? '';
  if (kind === 'single') return [[user(text)]];
  if (kind === 'batch')
    return text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => [user(line)]);
  const [file] = /** @type {HTMLInputElement} */ (byId('f-image')).files ?? [];
  if (!file) throw new Error('Choose an image.');
  if (file.size > IMAGE_MAX_BYTES)
    throw new Error('The image is too large: at most 2.9 MB, so that the body stays under 4 MiB.');
  const url = await dataUrl(file);
  return [
    [
      user([
        { type: 'text', text },
        { type: 'image_url', image_url: { url } },
      ]),
    ],
  ];
}

/** @param {File} file @returns {Promise<string>} */
function dataUrl(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener('load', () => resolve(String(reader.result)));
    reader.addEventListener('error', () => reject(new Error('The image cannot be read.')));
    reader.readAsDataURL(file);
  });
}

/** @param {HTMLElement} place */
export function showContent(place) {
  const text = (/** @type {string} */ label, /** @type {number} */ rows) => {
    const area = h('textarea', { id: 'f-text', rows }, texts[kind] ?? '');
    area.addEventListener('input', () => {
      texts[kind] = /** @type {HTMLTextAreaElement} */ (area).value;
    });
    return h('label', { class: 'field' }, h('span', { text: label }), area);
  };
  /** @type {Record<string, () => HTMLElement[]>} */
  const parts = {
    single: () => [text('Prompt', 3)],
    batch: () => [text('Prompts, one on each line', 5)],
    vision: () => [
      text('Prompt', 2),
      h(
        'label',
        { class: 'field' },
        h('span', { text: 'Image' }),
        h('input', { type: 'file', id: 'f-image', accept: 'image/*' }),
      ),
    ],
    file: () => [
      h(
        'label',
        { class: 'field' },
        h('span', { text: 'Conversations, one on each line, or a JSON array of them' }),
        h('input', { type: 'file', id: 'f-file', accept: '.jsonl,.json' }),
      ),
      h('progress', { id: 'f-progress', max: 1, value: 0, hidden: true, 'aria-label': 'Upload' }),
    ],
    turns: () => [
      ...turns.map((turn, i) => turnRow(turn, i, place)),
      h('button', {
        type: 'button',
        text: 'Add a turn',
        onclick: () => {
          turns.push({ role: turns.at(-1)?.role === 'user' ? 'assistant' : 'user', content: '' });
          showContent(place);
          focusTurn(place, turns.length - 1);
        },
      }),
    ],
  };
  place.replaceChildren(...(parts[kind]?.() ?? []));
}

/** @param {{role: string, content: string}} turn @param {number} index @param {HTMLElement} place */
function turnRow(turn, index, place) {
  const role = h(
    'select',
    { 'aria-label': `Role of turn ${index + 1}` },
    ...['system', 'user', 'assistant'].map((name) =>
      h('option', { value: name, text: name, selected: name === turn.role }),
    ),
  );
  role.addEventListener('input', () => {
    turn.role = /** @type {HTMLSelectElement} */ (role).value;
  });
  const content = h('textarea', { rows: 2, 'aria-label': `Text of turn ${index + 1}` }, turn.content);
  content.addEventListener('input', () => {
    turn.content = /** @type {HTMLTextAreaElement} */ (content).value;
  });
  const remove = h('button', {
    type: 'button',
    'aria-label': `Remove turn ${index + 1}`,
    text: '×',
    onclick: () => {
      turns = turns.filter((each) => each !== turn);
      showContent(place);
      focusTurn(place, Math.min(index, turns.length - 1));
    },
  });
  return h('div', { class: 'turn' }, role, content, remove);
}

/** @param {HTMLElement} place @param {number} index */
function focusTurn(place, index) {
  const texts = place.querySelectorAll('textarea');
  (texts[index] ?? place.querySelector('button'))?.focus();
}
