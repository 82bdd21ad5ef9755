import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import type { Stored } from './stored-world.ts';

export type Chapters = Record<string, Stored>;

const named = (pattern: string) =>
  globSync(pattern, { cwd: import.meta.dirname }).map((file) => file.replace('.jsonl', ''));

/** By name: `unmarked` is of the release that did not say its format yet. */
export const GOLDEN = named('*.jsonl');
/** Those of the story of a queued job and a large one. */
export const LARGE = named('large/*.jsonl');

/**
 * What a release stored while a story of two jobs went on, to the byte. These files are never changed: what another
 * release stores otherwise gets a file of its own, and the ones before are read for as long as they lie here.
 */
export function golden(name: string): Chapters {
  const lines = readFileSync(pathOf(name), 'utf8').trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => JSON.parse(line, fromBase64)));
}

/** Writes the file of that name, unless there is one. */
export function keepGolden(name: string, chapters: Chapters): void {
  if (existsSync(pathOf(name))) return;
  const lines = Object.entries(chapters).map((chapter) => JSON.stringify(chapter, toBase64));
  writeFileSync(pathOf(name), `${lines.join('\n')}\n`);
}

/** Without what differs from run to run, and from one machine's compression to another's. */
export function comparable(chapters: Chapters): unknown {
  return JSON.parse(JSON.stringify(chapters, toBase64), (key, value) => {
    if (key === 'writeId') return undefined;
    return key === 'deflated' ? inflateRawSync(Buffer.from(value.B, 'base64')).toString() : value;
  });
}

const pathOf = (name: string) => new URL(`${name}.jsonl`, import.meta.url);

function toBase64(_key: string, value: unknown): unknown {
  const bytes = (value as { B?: unknown } | null)?.B;
  return bytes instanceof Uint8Array ? { B: Buffer.from(bytes).toString('base64') } : value;
}

function fromBase64(_key: string, value: unknown): unknown {
  const text = (value as { B?: unknown } | null)?.B;
  return typeof text === 'string' ? { B: Buffer.from(text, 'base64') } : value;
}
