import { describe, expect, it } from 'vitest';
import { circlesIn, resolved, sources, tooLongIn, vagueFoldersOf } from '../house.ts';

const commands = sources('tools/commands/**/*.ts');
const local = sources('tools/local/**/*.ts');

it('there are tools', () => {
  for (const part of [commands, local]) expect(part.length).toBeGreaterThan(5);
});

describe('a reader can take in', () => {
  it.each([...commands, ...local])('$path', (source) => expect(tooLongIn(source)).toEqual([]));
});

it('every folder says what is in it: none is called utils, helpers, common or misc', () => {
  expect(vagueFoldersOf([...commands, ...local, ...sources('test/tools/**/*.ts')])).toEqual([]);
});

it.each(commands)('an operator needs no other tool beside $path', ({ path, imports }) => {
  const files = imports.filter((name) => name.startsWith('.')).map((name) => resolved(path, name));
  expect(files.filter((file) => !/^(tools\/commands|functions|lib)\/|^cdk\.json$/.test(file))).toEqual([]);
});

it('no files import each other in a circle', () => {
  expect(circlesIn(sources('{tools,test}/**/*.{ts,js}'))).toEqual([]);
});

it('whatever listens on the laptop is guarded, as one place alone listens', () => {
  const listeners = local.filter(({ code }) => /\b(server|app)\.listen\(/.test(code));
  expect(listeners.map(({ path }) => path)).toEqual(['tools/local/http/server.ts']);
});
