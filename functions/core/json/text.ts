import type { Fault } from '../http/problem.ts';
import { FAULTS_MAX, fault, type Path } from '../http/validation.ts';
import { faultIn, type Json } from './scan.ts';

const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** What does not belong in JSON, or not in that place. These are the only words of a body that are quoted. */
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

/** Each name that an object of a body has more than once. */
export function repeatedIn(value: Json, path: Path = [], faults: Fault[] = []): Fault[] {
  if (faults.length >= FAULTS_MAX) return faults;
  if (value.isObject) {
    const names = new Set<string>();
    for (const [name, inner] of value.members()) {
      const isRepeated = names.has(name) && faults.length < FAULTS_MAX;
      if (isRepeated) faults.push(fault([...path, name], 'Must be given once'));
      names.add(name);
      repeatedIn(inner, [...path, name], faults);
    }
  } else if (value.isArray) {
    let index = 0;
    for (const inner of value.elements()) repeatedIn(inner, [...path, index++], faults);
  }
  return faults;
}

/** Where a body stops being JSON, and what is found there. */
export function whyNotJson(bytes: Buffer): string {
  const text = bytes.toString();
  const before = bytes.toString('utf8', 0, faultIn(bytes) ?? bytes.length);
  const index = before.length;
  let line = 1;
  for (let at = before.indexOf('\n'); at !== -1; at = before.indexOf('\n', at + 1)) line++;
  const place = `line ${line}, column ${index - before.lastIndexOf('\n')}`;
  if (index === text.length) return `The body is not valid JSON: it ends too early, at ${place}.`;
  for (const [pattern, met] of MET) {
    pattern.lastIndex = index;
    const [word] = pattern.exec(text) ?? [];
    if (word) return `The body is not valid JSON: ${place} has ${met.replace('$&', word)}.`;
  }
  return `The body is not valid JSON: ${place} has something that does not belong there.`;
}
