import { expect, it } from 'vitest';
import { DELIVERY_ERRORS } from '../../../functions/core/webhook/attempt.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { MUTANTS } from '../../../tools/simulation/mutants.ts';
import { pageAt, pages } from './pages.ts';

const all = pages();

it('a guarantee that is named is in docs/guarantees.md', () => {
  const listed = [...pageAt('docs/guarantees.md').prose.matchAll(/^\| (I\d+) \|/gm)].map(
    ([, number]) => number,
  );
  expect(listed.length).toBeGreaterThan(15);
  const named = all.flatMap(({ prose }) => prose.match(/\bI\d{1,2}\b/g) ?? []);
  expect(named.filter((number) => !listed.includes(number))).toEqual([]);
});

it('a planted bug that a decision names is in tools/simulation/mutants.ts', () => {
  const decisions = all.filter(({ path }) => path.startsWith('docs/decisions/'));
  const sentences = decisions.flatMap(({ prose }) => prose.match(/planted bugs?\s[^.]*/g) ?? []);
  const named = sentences.flatMap((sentence) =>
    [...sentence.matchAll(/"([^"]*)"/g)].map(([, name = '']) => name.replaceAll(/\s+/g, ' ')),
  );
  expect(named.length).toBeGreaterThan(5);
  const known = MUTANTS.map(({ name }) => name);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

it.each([
  ['docs/operations.md', /^\|[\s\S]*?\n\n/m],
  ['CHANGELOG.md', /^- Commands for operators:[\s\S]*?\n- /m],
])('every command for operators is listed in %s', (path, list) => {
  const scripts = Object.entries(packageJson.scripts).filter(([, line]) => line.includes('tools/commands/'));
  const commands = scripts.map(([name]) => name).filter((name) => name !== 'settings');
  expect(commands.length).toBeGreaterThan(5);
  const [listed = ''] = list.exec(pageAt(path).text) ?? [];
  expect(commands.filter((name) => !new RegExp(`npm run ${name}\\b`).test(listed))).toEqual([]);
});

it.each(['docs/webhooks.md', 'docs/runbook.md'])('every error of an attempt is explained in %s', (path) => {
  const rows = [...pageAt(path).prose.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name]) => name);
  expect(DELIVERY_ERRORS.filter((error) => !rows.includes(error))).toEqual([]);
});

it('no page has quotation marks of another language', () => {
  expect(all.filter(({ text }) => /[\u00ab\u00bb\u201e]/.test(text)).map(({ path }) => path)).toEqual([]);
});
