import { local } from './api.js';
import { announce, h } from './dom.js';

/** @type {Record<string, string>} */
const KINDS = { submit: 'Submit it', read: 'Read it', receive: 'Receive its webhook' };

/** Held from job to job. */
const chosen = { language: 'curl', kind: 'submit' };

/** The request as code to be copied. @param {any[]} languages as the console has them @param {object} request */
export function codePanel(languages, request) {
  const code = h('pre', { id: 'code', class: 'code', tabindex: '0' });
  const language = select(
    'language',
    'Language',
    languages.map(({ id, name }) => [id, name]),
  );
  const kind = select('kind', 'What to do', []);
  let asked = 0;

  async function show() {
    const { id, kinds } = languages.find((each) => each.id === chosen.language) ?? languages[0];
    if (!kinds.includes(chosen.kind)) chosen.kind = 'submit';
    kind.replaceChildren(
      ...options(
        'kind',
        kinds.map((/** @type {string} */ name) => [name, KINDS[name] ?? name]),
      ),
    );
    asked += 1;
    const own = asked;
    const answer = await local('/snippet', { language: id, kind: chosen.kind, request });
    // Not if something else was chosen meanwhile.
    if (own === asked) code.textContent = answer?.code ?? 'The local system does not answer.';
  }
  for (const each of [language, kind]) each.addEventListener('input', () => void show());
  void show();

  const copy = h('button', {
    type: 'button',
    id: 'copy',
    text: 'Copy',
    onclick: async () => {
      const said = await navigator.clipboard.writeText(code.textContent ?? '').then(
        () => 'Copied',
        () => 'Not copied',
      );
      copy.textContent = said;
      announce(said);
      setTimeout(() => {
        copy.textContent = 'Copy';
      }, 2000);
    },
  });
  return [h('p', { class: 'actions' }, language, kind, copy), code];
}

/** @param {'language' | 'kind'} name @param {string} label @param {string[][]} choices */
function select(name, label, choices) {
  const element = h('select', { id: `code-${name}`, 'aria-label': label }, ...options(name, choices));
  element.addEventListener('input', () => {
    chosen[name] = /** @type {HTMLSelectElement} */ (element).value;
  });
  return element;
}

/** @param {'language' | 'kind'} name @param {string[][]} choices */
function options(name, choices) {
  return choices.map(([value, text]) => h('option', { value, text, selected: value === chosen[name] }));
}
