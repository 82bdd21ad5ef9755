import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import document from '../../../functions/jobs/openapi.json' with { type: 'json' };
import { EXAMPLES } from '../../../tools/openapi/examples.ts';
import { referenceMarkdown, referencePage } from '../../../tools/openapi/reference.ts';
import { ruleOf, type Schema } from '../../../tools/openapi/rules.ts';
import { faultIn, readDescription } from './description.ts';

const markdown = referenceMarkdown(document);
const page = referencePage(document);
const { operations, schemas, webhook } = readDescription(document);

const found = (pattern: RegExp, text: string) => [...text.matchAll(pattern)].map(([, group = '']) => group);

it('docs/api.md matches openapi.json: after a change, run npm run openapi and look at the difference', () => {
  expect(readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8')).toBe(markdown);
});

describe('the reference has every call:', () => {
  /** From its heading to the next; what all calls share is said before the first. */
  const sections = new Map(
    markdown.split(/^### /m).map((section) => [/`(\w+ \/v1\/[^`]*)`/.exec(section)?.[1], section]),
  );
  const [shared = ''] = markdown.split('\n## Calls\n');

  it.each(operations)('$method $path', ({ method, path, parameters, requestBody, responses, scope }) => {
    const section = sections.get(`${method} ${path}`) ?? '';
    for (const { name } of parameters) expect(section).toContain(`| \`${name}\` | `);
    for (const [status, { description }] of Object.entries(responses)) {
      const row = (section + shared).split('\n').find((line) => line.startsWith(`| ${status} | `));
      expect(row).toContain(description);
    }
    for (const { schema } of Object.values(requestBody?.content ?? {}))
      for (const name of Object.keys(schema['properties'])) expect(section).toContain(`| \`${name}\` | `);
    if (scope) expect(section).toContain(`Needs the scope ${scope}.`);
  });

  it('also the webhook and the fields of every object', () => {
    for (const { name } of webhook.parameters)
      expect(markdown).toContain(`| \`${name}\` | header, required | `);
    for (const { properties = {} } of Object.values(schemas))
      for (const name of Object.keys(properties)) expect(markdown).toContain(`| \`${name}\` | `);
  });
});

it.each(Object.entries(EXAMPLES))('the example of %s is valid', (name, example) => {
  expect(faultIn(example, schemas[name] ?? { not: {} })).toBeNull();
});

describe('the page', () => {
  it('says what the Markdown says', () => {
    const words = (text: string) => text.replaceAll(/[\s`#|*\\-]+/g, '');
    const text = page
      .replace(/^[\s\S]*<main>|<\/main>[\s\S]*$/g, '')
      .replace(/<\/?[a-z][^>]*>/g, '')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
    const plain = markdown
      .replace(/^This page is made of .*$/m, '')
      .replace(/^```json$/gm, '')
      .replace(/\[([^\]]*)\]\(#[^)]*\)/g, '$1');
    expect(words(text)).toBe(words(plain));
  });

  it('loads nothing and runs nothing', () => {
    expect(page).not.toMatch(
      /<(script|link|img|iframe|object|embed|base|form)\b|\b(src|srcset|style|on\w+)=|@import|url\(/i,
    );
    expect(page.match(/<style>/g)).toHaveLength(1);
  });

  it('has a language, a title, a viewport, and colors for light and dark', () => {
    for (const part of ['<html lang="en">', '<title>', 'width=device-width', 'color-scheme: light dark'])
      expect(page).toContain(part);
  });

  it('has headings in order, under one first', () => {
    const levels = found(/<h(\d)/g, page).map(Number);
    expect(levels.filter((level) => level === 1)).toEqual([levels[0]]);
    levels.forEach((level, i) => {
      expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
    });
  });

  it('has links that lead somewhere, and each anchor once', () => {
    const ids = found(/ id="([^"]*)"/g, page);
    expect(new Set(ids).size).toBe(ids.length);
    for (const target of found(/ href="([^"]*)"/g, page)) expect(ids.map((id) => `#${id}`)).toContain(target);
  });

  it('has tables with captions and headers that are marked as such', () => {
    const tables = found(/<table>([\s\S]*?)<\/table>/g, page);
    expect(tables.length).toBeGreaterThan(20);
    for (const table of tables) {
      expect(table).toMatch(/^\n<caption>[^<]+<\/caption>/);
      const columns = found(/<th (scope="col")>/g, table).length;
      const rows = found(/<tr>([\s\S]*?)<\/tr>/g, table).slice(1);
      for (const row of rows) {
        expect(row).toMatch(/^<th scope="row">/);
        expect(found(/<(th|td)\b/g, row)).toHaveLength(columns);
      }
    }
  });
});

const rules: [Schema, string][] = [
  [{}, 'any JSON'],
  [{ const: 'ok' }, '`ok`'],
  [{ enum: ['a', null] }, '`a`, `null`'],
  [{ type: 'string', minLength: 1, maxLength: 64 }, 'text, 1–64 characters'],
  [{ type: 'string', pattern: '^a|b$' }, 'text, matching `^a|b$`'],
  [{ type: 'string', format: 'date-time' }, 'time as RFC 3339'],
  [{ type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }, 'whole number, at least 0'],
  [{ type: 'number', minimum: 0, maximum: 1, default: 0.7 }, 'number, 0–1, default `0.7`'],
  [{ anyOf: [{ type: 'string' }, { type: 'null' }] }, 'text or null'],
  [{ type: ['string', 'null'] }, 'text or null'],
  [{ type: 'array', maxItems: 0, items: {} }, 'empty array'],
  [{ type: 'array', items: { $ref: '#/components/schemas/Job' } }, 'array, each [Job](#job)'],
  [
    { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 2 },
    'object, at most 2 members; values: text',
  ],
];
it.each(rules)('the rule %j is described as "%s"', (schema, rule) => {
  expect(ruleOf(schema)).toBe(rule);
});
