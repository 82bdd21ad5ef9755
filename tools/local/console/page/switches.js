import { local } from './api.js';
import { announce, byId, h } from './dom.js';

/** @type {Record<string, [title: string, effect: string]>} */
const TEXTS = {
  upstream_down: ['ModelStudio is down', 'connections are refused'],
  rate_limited: ['ModelStudio limits the rate', 'every call is answered with 429'],
  slow: ['ModelStudio is slow', 'each answer takes 4 s'],
  receiver_down: ['The receiver is down', 'webhooks are answered with 503'],
};

/** @param {Record<string, boolean>} switches those that are here, and whether they are on */
export function showSwitches(switches) {
  const place = byId('switches');
  for (const [name, isOn] of Object.entries(switches)) {
    const [title, effect] = TEXTS[name] ?? [name, ''];
    let button = place.querySelector(`[data-switch="${name}"]`);
    if (!button) {
      button = h(
        'button',
        { type: 'button', role: 'switch', class: 'switch', 'data-switch': name, onclick: () => toggle(name) },
        h('span', { class: 'knob', 'aria-hidden': 'true' }),
        h('span', {}, h('b', { text: title }), h('small', { text: effect })),
      );
      place.append(button);
    }
    button.setAttribute('aria-checked', String(isOn));
  }
}

/** @param {string} name */
async function toggle(name) {
  const button = byId('switches').querySelector(`[data-switch="${name}"]`);
  const on = button?.getAttribute('aria-checked') !== 'true';
  const switches = await local('/switches', { name, on });
  if (!switches) return announce('The local system does not answer.');
  showSwitches(switches);
  announce(`${TEXTS[name]?.[0]}: ${on ? 'on' : 'off'}`);
}
