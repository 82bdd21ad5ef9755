import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILE_MAX_LINES = 250;
const FUNCTION_MAX_LINES = 70;

export interface Source {
  path: string;
  lines: string[];
  /** Without comments, which may speak of anything. */
  code: string;
  imports: string[];
}

export function sources(...patterns: string[]): Source[] {
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

/** What a source imports: a path from the root, or the name of a package. */
export function resolved(path: string, name: string): string {
  return name.startsWith('.') ? join(dirname(path), name) : name;
}

/** Files that import each other, types included: each circle as the paths along it. */
export function circlesIn(all: Source[]): string[][] {
  const imports = new Map(all.map((source) => [source.path, source.imports]));
  const done = new Set<string>();
  const circleFrom = (path: string, above: string[]): string[] | undefined => {
    if (above.includes(path)) return [...above.slice(above.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const name of imports.get(path) ?? []) {
      const circle = circleFrom(resolved(path, name), [...above, path]);
      if (circle) return circle;
    }
    done.add(path);
    return undefined;
  };
  return all.flatMap(({ path }) => {
    const circle = circleFrom(path, []);
    return circle ? [circle] : [];
  });
}

/** What of a source is more than a reader can take in. */
export function tooLongIn({ lines }: Source): string[] {
  const functions = functionsIn(lines).filter(({ length }) => length > FUNCTION_MAX_LINES);
  return [
    ...(lines.length > FILE_MAX_LINES ? [`the file has ${lines.length} lines`] : []),
    ...functions.map(({ line, length }) => `the function in line ${line} has ${length} lines`),
  ];
}

const TIME_OR_SIZE =
  /wait|delay|timeout|deadline|retention|duration(?!s)|lease|grace|budget|lifetime|memory/i;
const UNIT = /seconds|millis|minutes|days|bytes|mib|_ms/i;

/** Numbers whose name speaks of a time or a size and lacks its unit. Names that are AWS's begin with a capital letter. */
export function unitlessIn({ code }: Source): string[] {
  const declared = code.matchAll(/\b([a-z]\w*)\??: number\b(?!\[)|\bconst (\w+) = \d/g);
  const names = [...declared].map(([, field, constant]) => field ?? constant ?? '');
  return names.filter((name) => TIME_OR_SIZE.test(name) && !UNIT.test(name));
}

/** Folders whose name does not say what is in them. */
export function vagueFoldersOf(all: Source[]): string[] {
  const folders = all.flatMap(({ path }) => path.split('/').slice(0, -1));
  return folders.filter((name) => /^(utils?|helpers?|common|misc)$/i.test(name));
}

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
