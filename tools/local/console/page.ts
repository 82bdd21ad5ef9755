import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** What of page/ a browser asks for, as it is when the console starts. */
export function readPage(): Map<string, { type: string; content: Buffer }> {
  const folder = new URL('page/', import.meta.url);
  const files = new Map<string, { type: string; content: Buffer }>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    files.set(name === 'index.html' ? '/' : `/${name}`, {
      type,
      content: readFileSync(new URL(name, folder)),
    });
  }
  return files;
}
