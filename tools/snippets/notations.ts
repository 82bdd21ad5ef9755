import { type Notation, quoted } from './literal.ts';

export const JSON_NOTATION: Notation = {
  string: quoted,
  key: quoted,
  words: { true: 'true', false: 'false', null: 'null' },
  indent: '  ',
  bracePadding: '',
  trailingComma: '',
};

export const JAVASCRIPT_NOTATION: Notation = {
  string: javascriptString,
  key: javascriptKey,
  words: { true: 'true', false: 'false', null: 'null' },
  indent: '  ',
  bracePadding: ' ',
  trailingComma: ',',
};

export const PYTHON_NOTATION: Notation = {
  string: quoted,
  key: quoted,
  words: { true: 'True', false: 'False', null: 'None' },
  indent: '    ',
  bracePadding: '',
  trailingComma: ',',
};

/** In single quotes, unless there is one in it. */
function javascriptString(text: string): string {
  const inDoubles = quoted(text);
  return text.includes("'") ? inDoubles : `'${inDoubles.slice(1, -1).replaceAll('\\"', '"')}'`;
}

/** `{ __proto__: 'x' }` would set no property. */
function javascriptKey(name: string): string {
  if (name === '__proto__') return "['__proto__']";
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : javascriptString(name);
}
