import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { branchesIn } from '../../../tools/simulation/branches.ts';
import { branchesOf } from '../../../tools/simulation/coverage.ts';
import { UNMET } from '../../../tools/simulation/unmet.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe('a branch of the code is', () => {
  it.each<[string, string[]]>([
    ['if (a) b();', ['it holds', 'it does not']],
    ['if (a) b(); else c();', ['it holds', 'it does not']],
    ['const x: number = a ? b : c;', ['it holds', 'it does not']],
    ['a && b;', ['beyond &&', 'not beyond &&']],
    ['(await a) ?? (b as string);', ['beyond ??', 'not beyond ??']],
    ['switch (a) { case 1: case 2: b(); break; default: c(); }', ['this case', 'this case']],
    ['for (const a of b) c();', ['the loop is entered']],
    ['for (let i = 0; i < 2 && a; i++) b();', ['the loop is entered']],
    ['try { a(); } catch { b(); }', ['it throws']],
    ['const a = () => b;', ['it is called']],
    ['interface A { b: string }', []],
  ])('each way on from: %s', (source, ways) => {
    expect(branchesIn(source).map(({ way }) => way)).toEqual(ways);
  });

  it('not taken where an answer never came', () => {
    const source = 'if (await a) b();';
    // Asked five times, answered three times, and once with yes.
    const counts: Record<string, number> = { a: 5, ')': 3, b: 1 };
    const taken = branchesIn(source).map((branch) =>
      branch.taken((offset) => counts[source[offset] ?? ''] ?? 5),
    );
    expect(taken).toEqual([1, 2]);
  });
});

it('says what the seeds have met of the flows, and what they have not', async () => {
  const args = ['tools/simulation/main.ts', '--seed', '0', '--seeds', '12', '--coverage'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  const [, met, all] = /^flows: (\d+) of (\d+) branches met/m.exec(stdout) ?? [];
  expect(Number(met)).toBeGreaterThan(0.7 * Number(all));
  expect(Number(met)).toBeLessThan(Number(all));
  expect(stdout).toMatch(/^ {2}functions\/[\w/-]+\.ts:\d+ {2}it (holds|does not): /m);
  expect(stdout).toMatch(/^faults: \d+ kinds at \d+ steps, \d+ of \d+ pairs met$/m);
});

it('leaves ten branches at most to other tests', () => {
  expect(UNMET.length).toBeLessThanOrEqual(10);
});

it.each(UNMET)('leaves to a test that is there: $file › $text', ({ file, text, way, test, title }) => {
  expect(branchesOf(file).filter((branch) => branch.text === text && branch.way === way)).toHaveLength(1);
  expect(readFileSync(`${ROOT}/${test}`, 'utf8')).toContain(title);
});
