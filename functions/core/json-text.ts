import type { Fault } from './problem.ts';
import { FAULTS_MAX, fault, type Path } from './validation.ts';

/** An object or array that has begun and not yet ended. `names`: those that an object has had; null for an array. */
type Open = { names: Set<string> | null; at: string | number };

const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const BLANKS = ' \t\n\r';

/** What does not belong into JSON, or not where it stands. Of a body, only the words that stand here are quoted. */
const MET: [RegExp, string][] = [
  [/\ufeff/y, 'a byte order mark'],
  [/\n|\r/y, 'a line break inside a string'],
  [/\p{Cc}/uy, 'a control character'],
  [/\\/y, 'a backslash that begins no escape of JSON'],
  [/\/[/*]|#/y, 'a comment'],
  [/'/y, 'a single quote'],
  [/</y, 'HTML or XML'],
  [/(?<=,\s*)[}\]]/y, 'a closing bracket right after a comma'],
  [/["{[]/y, 'a value where none belongs'],
  [SCALAR, 'a value where none belongs'],
  [/[-+]?(?:nan|inf|infinity|none|null|nil|undefined|true|false)\b/iy, '$&'],
  [/[+.]/y, 'a leading $& before a number'],
  [/[-\d]/y, 'a number in a form that is not JSON'],
  [/[\p{L}_$]/uy, 'a word without double quotes'],
  [/,/y, 'a comma too many'],
];

/** Each name that an object has once more. */
export function repeatedIn(json: string): Fault[] {
  return read(json).repeated;
}

/** Where a text stops being JSON, and what is there. */
export function whyNotJson(text: string): string {
  const { index } = read(text);
  const before = text.slice(0, index);
  let line = 1;
  for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line++;
  const place = `line ${line}, column ${index - before.lastIndexOf('\n')}`;
  if (index === text.length) return `The body is not valid JSON: it ends too early, at ${place}.`;
  const [pattern, met = 'something that does not belong there'] =
    MET.find(([each]) => endOf(each, text, index) > 0) ?? [];
  const word = pattern ? text.slice(index, endOf(pattern, text, index)) : '';
  return `The body is not valid JSON: ${place} has ${met.replace('$&', word)}.`;
}

/** Reads a text to where it stops being JSON. Several times as slow as `JSON.parse`, so only where there is a fault. */
function read(text: string): { index: number; repeated: Fault[] } {
  const open: Open[] = [];
  const repeated: Fault[] = [];
  let next: 'value' | 'name' | 'colon' | 'comma' = 'value';
  let isFresh = false;
  for (let i = 0; ; ) {
    while (BLANKS.includes(text[i] ?? 'the end')) i++;
    const index = i++;
    const token = text[index];
    const inner = open.at(-1);
    const mayEnd = next === 'comma' || isFresh;
    const isString = token === '"' && (next === 'value' || next === 'name');
    isFresh = next === 'value' && (token === '{' || token === '[');
    if (isFresh) {
      open.push(token === '{' ? { names: new Set(), at: '' } : { names: null, at: 0 });
      next = token === '{' ? 'name' : 'value';
    } else if (inner && mayEnd && token === (inner.names ? '}' : ']')) {
      open.pop();
      next = 'comma';
    } else if (inner && next === 'comma' && token === ',') {
      next = inner.names ? 'name' : 'value';
      if (typeof inner.at === 'number') inner.at++;
    } else if (next === 'colon' && token === ':') {
      next = 'value';
    } else if (isString) {
      i = endOfString(text, index) + 1;
      if (text[i - 1] !== '"') return { index: i - 1, repeated };
      next = next === 'name' ? 'colon' : 'comma';
      if (next === 'comma' || !inner?.names) continue;
      const name = text.slice(index + 1, i - 1);
      inner.at = name.includes('\\') ? (JSON.parse(`"${name}"`) as string) : name;
      const isRepeated = inner.names.has(inner.at) && repeated.length < FAULTS_MAX;
      if (isRepeated) repeated.push(fault(pathTo(open), 'Must be given once'));
      inner.names.add(inner.at);
    } else {
      i = next === 'value' ? endOf(SCALAR, text, index) : 0;
      if (i === 0) return { index, repeated };
      next = 'comma';
    }
  }
}

function pathTo(open: Open[]): Path {
  return open.map(({ at }) => at);
}

/** Where a match that begins at `start` ends; 0 if there is none. */
function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  pattern.test(text);
  return pattern.lastIndex;
}

/** The index of the quote that closes a string, or of what must not be inside one. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; ; i++) {
    const token = text[i] ?? '"';
    if (token === '"' || token < ' ') return i;
    if (token !== '\\') continue;
    if (endOf(ESCAPE, text, i) === 0) return i;
    i++;
  }
}
