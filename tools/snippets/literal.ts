/** How a language writes the values that JSON knows. */
export interface Notation {
  string(text: string): string;
  key(name: string): string;
  words: { true: string; false: string; null: string };
  indent: string;
  /** Between a brace and what it holds on the same line. */
  bracePadding: string;
  trailingComma: string;
}

const LINE_MAX_LENGTH = 88;

/** What an editor hides or obeys: controls, line separators, marks of direction and of byte order. */
const INVISIBLE = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A string in double quotes, as JSON, JavaScript, Python and Go alike read it. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/**
 * The value as the language's literal, on one line where it fits.
 * @param indent the indentation of the line on which it begins
 */
export function literal(value: object, notation: Notation, indent = ''): string {
  // What JSON.stringify leaves out, such as undefined, is not sent either.
  return written(JSON.parse(JSON.stringify(value)), notation, indent);
}

function written(value: unknown, notation: Notation, indent: string): string {
  if (typeof value === 'string') return notation.string(value);
  if (typeof value === 'number') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null)
    return notation.words[String(value) as keyof Notation['words']];

  const inner = indent + notation.indent;
  const [open, close, padding] = Array.isArray(value) ? ['[', ']', ''] : ['{', '}', notation.bracePadding];
  const items = Array.isArray(value)
    ? value.map((item) => written(item, notation, inner))
    : Object.entries(value).map(([k, item]) => `${notation.key(k)}: ${written(item, notation, inner)}`);
  if (items.length === 0) return open + close;

  const line = `${open}${padding}${items.join(', ')}${padding}${close}`;
  if (!line.includes('\n') && indent.length + line.length <= LINE_MAX_LENGTH) return line;
  return `${open}\n${inner}${items.join(`,\n${inner}`)}${notation.trailingComma}\n${indent}${close}`;
}
