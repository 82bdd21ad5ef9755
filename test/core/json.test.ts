import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { documentIn, type Json } from '../../functions/core/json/scan.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The document again, made of what is read of it. */
function rebuilt(json: Json): unknown {
  if (json.isArray) return [...json.elements()].map(rebuilt);
  if (!json.isObject) return JSON.parse(json.text);
  return Object.fromEntries([...json.members()].map(([name, value]) => [name, rebuilt(value)]));
}

const PIECES = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ' ',
    '\n',
    '"',
    '"a"',
    '"k":',
    '"\\n"',
    '"\\x"',
    '"\\u12"',
    '"\\u12aF"',
    '"\u0001"',
  ],
  ...[
    '0',
    '01',
    '-',
    '-1',
    '1.5',
    '1.',
    '1e5',
    '1e',
    '.5',
    '+5',
    'true',
    'null',
    'nul',
    'NaN',
    'x',
    '\\',
    '{}',
    '[]',
  ],
];

describe('documentIn', () => {
  it('accepts exactly what JSON.parse accepts', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }), (pieces) => {
        const text = pieces.join('');
        expect(documentIn(Buffer.from(text)) !== null).toBe(isJson(text));
      }),
      { numRuns: 5000 },
    );
  });

  it('finds the very text of any value that was written as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 1, '\t'), (value, space) => {
        const text = JSON.stringify(value, null, space);
        const document = documentIn(Buffer.from(text)) as Json;
        expect(document.text).toBe(text);
        expect(rebuilt(document)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it.each<[what: string, text: string, isDocument: boolean]>([
    ['a byte order mark', '\ufeff{"a":1}', true],
    ['200 levels', '['.repeat(200) + ']'.repeat(200), true],
    ['201 levels', '['.repeat(201) + ']'.repeat(201), false],
    ['two documents', '{}{}', false],
    ['nothing', '', false],
    ['an end too many', '[]]', false],
    ['a comma too many', '[1,]', false],
    ['a member without a name', '{1:2}', false],
  ])('decides whether a text is one document: %s', (_what, text, isDocument) => {
    expect(documentIn(Buffer.from(text)) !== null).toBe(isDocument);
  });
});
