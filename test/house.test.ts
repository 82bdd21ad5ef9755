import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
const FOLDERS = ['bin', 'functions', 'lib', 'tools/commands', 'tools/local'];
const FILE_MAX_LINES = 250;
const FUNCTION_MAX_LINES = 70;

interface Source {
  path: string;
  lines: string[];
  /** Without comments, which may speak of anything. */
  code: string;
  imports: string[];
}

function sources(...patterns: string[]): Source[] {
  return globSync(patterns, { cwd: ROOT })
    .sort()
    .map((path) => {
      const text = readFileSync(`${ROOT}/${path}`, 'utf8');
      const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
      const imports = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(
        ([, name = '']) => name,
      );
      return { path, lines: text.trimEnd().split('\n'), code, imports };
    });
}

const everywhere = sources(...FOLDERS.map((folder) => `${folder}/**/*.ts`));
const core = sources('functions/core/**/*.ts');
const edge = sources('functions/edge/*.ts');
const outsideEdge = sources('functions/**/*.ts').filter(({ path }) => !path.startsWith('functions/edge/'));
const flows = outsideEdge.filter(({ path }) => !/\/(core|edge)\/|\/(handler|wiring)\.ts$/.test(path));

/** What a source imports: a path from the root, or the name of a package. */
function resolved(path: string, name: string): string {
  return name.startsWith('.') ? join(dirname(path), name) : name;
}

it('there is a house', () => {
  for (const part of [everywhere, core, edge, flows]) expect(part.length).toBeGreaterThan(5);
});

describe('core decides', () => {
  it.each(core)('and waits for nothing: $path', ({ code }) => {
    expect(code).not.toMatch(/\b(async|await|Promise)\b/);
  });

  it.each(core)('and knows only itself: $path', ({ path, imports }) => {
    const allowed = /^(functions\/core\/.+\.ts|zod(\/.+)?|node:(buffer|crypto|net))$/;
    const names = imports.map((name) => resolved(path, name));
    expect(names.filter((name) => !allowed.test(name))).toEqual([]);
  });
});

describe('only the edge touches the world', () => {
  it.each(outsideEdge)('not $path', ({ code }) => {
    const world =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bprocess\.env\b|\bfetch\(|\bsetTimeout\(|\brandomBytes\b|\brandomUUID\b/;
    expect(code).not.toMatch(world);
  });

  it.each(flows)('nor is it named by a flow: $path', ({ imports }) => {
    const allowed = /^(\.{1,2}\/(?!.*\bedge\/).*\.ts|node:(assert|buffer))$/;
    expect(imports.filter((name) => !allowed.test(name))).toEqual([]);
  });
});

it('no files import each other in a circle', () => {
  const all = new Map(sources('{bin,functions}/**/*.ts').map((source) => [source.path, source]));
  const done = new Set<string>();
  const circleFrom = (path: string, above: string[]): string[] | undefined => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return undefined;
    const next = all.get(path)?.imports.map((name) => resolved(path, name)) ?? [];
    for (const other of next) {
      const circle = circleFrom(other, [...above, path]);
      if (circle) return circle;
    }
    done.add(path);
    return undefined;
  };
  expect([...all.keys()].map((path) => circleFrom(path, [])).filter((circle) => circle)).toEqual([]);
});

it.each(flows)('a row and a wake-up are made in one place, which is not $path', ({ code }) => {
  expect(code).not.toMatch(/\b(version|seq|watchedUntil|leaseUntil)\b: (?!number|Millis)/);
});

it('whatever listens on the laptop is guarded, as one place alone listens', () => {
  const listeners = sources('tools/local/**/*.ts').filter(({ code }) =>
    /\b(server|app)\.listen\(/.test(code),
  );
  expect(listeners.map(({ path }) => path)).toEqual(['tools/local/http/server.ts']);
});

describe('a reader can take in', () => {
  it.each(everywhere)('$path', ({ lines }) => {
    expect(lines.length).toBeLessThanOrEqual(FILE_MAX_LINES);
    expect(functionsIn(lines).filter(({ length }) => length > FUNCTION_MAX_LINES)).toEqual([]);
  });
});

it('every folder says what is in it: none is called utils, helpers, common or misc', () => {
  const folders = [...everywhere, ...sources('test/**/*.ts')].flatMap(({ path }) =>
    path.split('/').slice(0, -1),
  );
  expect(folders.filter((name) => /^(utils?|helpers?|common|misc)$/i.test(name))).toEqual([]);
});

/** The formatter closes a function with a brace at the indentation of the line on which it opened. */
function functionsIn(lines: string[]): { line: number; length: number }[] {
  return lines.flatMap((line, start) => {
    if (!opensFunction(line)) return [];
    const indentation = /^ */.exec(line)?.[0] ?? '';
    const end = lines.findIndex((other, i) => i > start && other.startsWith(`${indentation}}`));
    return [{ line: start + 1, length: end - start + 1 }];
  });
}

function opensFunction(line: string): boolean {
  const isControl = /^\s*(if|for|while|switch|do|try|catch|else|return switch|\}|class|interface)\b/.test(
    line,
  );
  return !isControl && (/=> \{$/.test(line) || /\bfunction\b.*\{$/.test(line) || /\).*[^=] \{$/.test(line));
}
