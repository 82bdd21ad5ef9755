import { describe, expect, it } from 'vitest';
import { circlesIn, resolved, sources, tooLongIn, unitlessIn, vagueFoldersOf } from './house.ts';

const everywhere = sources('{bin,functions,lib}/**/*.ts');
const tests = sources('test/**/*.ts').filter(({ path }) => !/^test\/tools\//.test(path));
const core = sources('functions/core/**/*.ts');
const edge = sources('functions/edge/*.ts');
const outsideEdge = sources('functions/**/*.ts').filter(({ path }) => !path.startsWith('functions/edge/'));
const flows = outsideEdge.filter(({ path }) => !/\/(core|edge)\/|\/(handler|poll-handler)\.ts$/.test(path));

it('every part of the tree has files to check', () => {
  for (const part of [everywhere, core, edge, flows]) expect(part.length).toBeGreaterThan(5);
});

describe('the core is pure:', () => {
  it.each(core)('nothing is awaited in $path', ({ code }) => {
    expect(code).not.toMatch(/\b(async|await|Promise)\b/);
  });

  it.each(core)('nothing outside the core is imported by $path', ({ path, imports }) => {
    const allowed = /^(functions\/core\/.+\.ts|zod(\/.+)?|node:(buffer|crypto|http|net))$/;
    const names = imports.map((name) => resolved(path, name));
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  });
});

describe('only the edge touches network, clock, environment and randomness:', () => {
  it.each(outsideEdge)('$path touches none of them', ({ code }) => {
    const world =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bprocess\.env\b|\bfetch\(|\bsetTimeout\(|\brandomBytes\b|\brandomUUID\b/;
    expect(code).not.toMatch(world);
  });

  it.each(flows)('the flow $path imports nothing of the edge', ({ imports }) => {
    const allowed = /^(\.{1,2}\/(?!.*\bedge\/).*\.ts|node:buffer)$/;
    expect(imports.filter((name) => !allowed.test(name))).toEqual([]);
  });
});

it('no files import each other in a circle', () => {
  expect(circlesIn(sources('{bin,functions,lib}/**/*.ts'))).toEqual([]);
});

it.each(flows)('rows and wake-ups are made in the core alone, and not in $path', ({ code }) => {
  expect(code).not.toMatch(/\b(version|seq|wakeUpDeadline|leaseUntil)\b: (?!number|Millis)/);
});

it('what is deployed, its tests and their settings need nothing that may be deleted', () => {
  const named = /\b(tools|examples)\/|['"`](tools|examples)['"`]/;
  const all = [...everywhere, ...tests, ...sources('bin/*.js', '*.ts')];
  expect(all.filter(({ code }) => named.test(code)).map(({ path }) => path)).toEqual([]);
});

describe('a file and its functions are short enough to read:', () => {
  it.each(everywhere)('$path', (source) => expect(tooLongIn(source)).toEqual([]));
});

it('every folder says what is in it: none is called utils, helpers, common or misc', () => {
  expect(vagueFoldersOf([...everywhere, ...tests])).toEqual([]);
});

it('a number that is a time or a size has its unit in its name', () => {
  const unitless = everywhere.flatMap((source) =>
    unitlessIn(source).map((name) => `${source.path}: ${name}`),
  );
  expect(unitless).toEqual([]);
});
