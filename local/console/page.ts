import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The files of page/, as they are when the console starts. */
export function readPage(): Map<string, { type: string; content: Buffer }> {
  const folder = new URL('page/', import.meta.url);
  const files = readdirSync(folder).map((name): [string, { type: string; content: Buffer }] => {
    const type = TYPES[extname(name)] ?? 'application/octet-stream';
    return [name === 'index.html' ? '/' : `/${name}`, { type, content: readFileSync(new URL(name, folder)) }];
  });
  return new Map(files);
}
