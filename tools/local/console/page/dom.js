/**
 * An element. Text is put in as text: nothing that a job says becomes markup.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties] attributes; `on…` are listeners, `class` and `text` as they say
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (name === 'text') element.textContent = String(value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A state with its color and its icon. @param {string} state @param {string} [text] */
export function pill(state, text = state) {
  return h('span', { class: 'pill', 'data-state': state, text });
}

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`There is no #${id}`);
  return element;
}

/** The text in a field. @param {string} id */
export function fieldValue(id) {
  return /** @type {HTMLInputElement} */ (byId(id)).value;
}

/** Says it to those who do not see it. @param {string} text */
export function announce(text) {
  byId('said').textContent = text;
}

/** @param {number} at */
export function clock(at) {
  return new Date(at).toLocaleTimeString([], { hour12: false });
}

/** To the millisecond. @param {number} at */
export function exactClock(at) {
  return `${clock(at)}.${String(Math.floor(at) % 1000).padStart(3, '0')}`;
}

/** @param {number} millis */
export function seconds(millis) {
  const s = millis / 1000;
  if (s >= 5400) return `${Number((s / 3600).toFixed(1))} h`;
  if (s >= 90) return `${Number((s / 60).toFixed(1))} min`;
  return `${s >= 10 || Number.isInteger(s) ? s.toFixed(0) : s.toFixed(1)} s`;
}
