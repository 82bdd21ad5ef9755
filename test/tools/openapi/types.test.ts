import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import committed from '../../../functions/jobs/openapi.json' with { type: 'json' };
import { type Document, typesSource } from '../../../tools/openapi/types.ts';

it("the TypeScript client's types match the document: after a change, run npm run openapi", () => {
  const path = new URL('../../../clients/typescript/types.ts', import.meta.url);
  expect(readFileSync(path, 'utf8')).toBe(typesSource(committed as Document));
});

it('every kind of schema becomes the type of the same values', () => {
  const schemas = {
    A: {
      description: 'Text.',
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'integer' }, b: { const: 'x' } },
    },
    B: { anyOf: [{ type: 'array', items: { $ref: '#/components/schemas/A' } }, { type: 'null' }] },
    C: { type: ['string', 'null'] },
    D: { type: 'object', additionalProperties: { type: 'string' } },
    E: { type: 'object', properties: {}, additionalProperties: false },
    F: { enum: ['x', 1] },
    G: {},
  };
  const types = typesSource({ components: { schemas } });
  expect(types.slice(types.indexOf('/** Text'))).toBe(`/** Text. */
export type A = {
  a: number;
  b?: "x";
};

export type B = Array<A> | null;

export type C = string | null;

export type D = {
  [name: string]: string;
};

export type E = Record<string, never>;

export type F = "x" | 1;

export type G = unknown;
`);
});
