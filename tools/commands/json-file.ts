import { readFileSync } from 'node:fs';

/** @throws a SyntaxError when it is not JSON. A byte order mark, which some editors write, is not part of it. */
export function jsonIn<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8').replace(/^\uFEFF/, '')) as T;
}
