import { describe, expect, it } from 'vitest';
import { circlesIn, resolved, sources, tooLongIn, vagueFoldersOf } from '../house.ts';

const commands = sources('tools/commands/**/*.ts');
const local = sources('tools/local/**/*.ts');

it('there are tools to check', () => {
  for (const part of [commands, local]) expect(part.length).toBeGreaterThan(5);
});

describe('a file and its functions are short enough to read:', () => {
  it.each([...commands, ...local])('$path', (source) => expect(tooLongIn(source)).toEqual([]));
});

it('every folder says what is in it: none is called utils, helpers, common or misc', () => {
  expect(vagueFoldersOf([...commands, ...local, ...sources('test/tools/**/*.ts')])).toEqual([]);
});

it.each(commands)("the operator's command in $path depends on no other tool", ({ path, imports }) => {
  const files = imports.filter((name) => name.startsWith('.')).map((name) => resolved(path, name));
  expect(files.filter((file) => !/^(tools\/commands|functions|lib)\//.test(file))).toEqual([]);
});

it('no files import each other in a circle', () => {
  expect(circlesIn(sources('{tools,test}/**/*.{ts,js}'))).toEqual([]);
});

it('every port on the laptop is guarded, as only one file listens', () => {
  const listeners = local.filter(({ code }) => /\b(server|app)\.listen\(/.test(code));
  expect(listeners.map(({ path }) => path)).toEqual(['tools/local/http/server.ts']);
});

it('no comment, message or test has quotation marks of another language', () => {
  const all = sources('{bin,functions,lib,test,tools,examples}/**/*.{ts,js,mjs,mts}');
  expect(
    all.filter(({ lines }) => /[\u00ab\u00bb\u201e]/.test(lines.join())).map(({ path }) => path),
  ).toEqual([]);
});

it('a path may have a space in it: none is the pathname of a URL, which is encoded', () => {
  const all = sources('{bin,clients,functions,lib,test,tools}/**/*.{ts,js,mjs}');
  const taken = /import\.meta\.url\)\.pathname/;
  expect(all.filter(({ code }) => taken.test(code)).map(({ path }) => path)).toEqual([]);
});
