import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What a model may answer: English that compresses as English does, and does not repeat itself. The decision records are at hand. */
const PROSE = globSync('docs/decisions/*.md', { cwd: root })
  .sort()
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join(' ')
  .replace(/\s+/g, ' ');

/** So many characters, from another place for each number. */
export function prose(characters: number, number = 0): string {
  const from = (number * 997) % (PROSE.length - characters);
  return PROSE.slice(from, from + characters);
}

/** Of a job: a reference of its client's, and ids that no two jobs share, as long as this in JSON. */
export function metadataOf(index: number, bytes: number): Record<string, string> {
  const ref = { ref: `job-${index}` };
  const room = bytes - JSON.stringify({ ...ref, ids: '' }).length;
  const digest = (part: number) => createHash('sha256').update(`${index}/${part}`).digest('base64url');
  const ids = Array.from({ length: Math.ceil(Math.max(0, room) / 43) }, (_, part) => digest(part)).join('');
  return room > 0 ? { ...ref, ids: ids.slice(0, room) } : ref;
}
