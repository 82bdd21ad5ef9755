import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LANGUAGES, type LanguageId, snippet } from '../../../tools/snippets/snippets.ts';
import { describeWith } from '../../needs.ts';
import { run } from '../../run.ts';
import { type Desk, openDesk, runtimeOf } from './runtimes.ts';

const apiUrl = 'https://api.example.com';
const hasPython = await canRun('python');
const KINDS = ['submit', 'read', 'receive'] as const;

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.clear());

it('each language lists its kinds of snippet', () => {
  const kinds = Object.fromEntries(LANGUAGES.map((language) => [language.id, language.kinds]));
  const { curl, ...others } = kinds;
  expect(curl).toEqual(['submit', 'read']);
  expect(Object.keys(others)).toEqual(['javascript', 'typescript', 'python', 'go']);
  for (const all of Object.values(others)) expect(all).toEqual(KINDS);
  expect(() => snippet('curl', { kind: 'receive', apiUrl, request: {} })).toThrow(
    new RangeError('There is no receive in cURL'),
  );
});

it.each(LANGUAGES)('the URL is quoted, and a slash at its end makes no difference: $id', ({ id }) => {
  const submit = (url: string) => snippet(id, { kind: 'submit', apiUrl: url, request: {} });
  expect(submit(`${apiUrl}/`)).toBe(submit(apiUrl));
  expect(submit("https://a.example/o'clock")).toContain(
    {
      curl: "'https://a.example/o'\\''clock/v1/jobs'",
      javascript: `"https://a.example/o'clock/v1/jobs"`,
      typescript: `"https://a.example/o'clock/v1/jobs"`,
      python: `"https://a.example/o'clock/v1/jobs"`,
      go: `"https://a.example/o'clock/v1/jobs"`,
    }[id],
  );
});

describe('any request becomes a literal of the same value', () => {
  const requests = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }));

  it.each<[LanguageId, start: string, end: string, meaning: (code: string) => unknown]>([
    ['curl', "<<'JSON'\n", '\nJSON\n', JSON.parse],
    ['go', 'const request = `', '`\n', JSON.parse],
    ['javascript', 'const request = ', ';\n\nconst response', (code) => new Function(`return ${code}`)()],
    ['typescript', 'const request = ', ';\n\nconst response', (code) => new Function(`return ${code}`)()],
  ])('in %s', (language, start, end, meaning) => {
    const means = (request: object) => {
      const value = meaning(literalIn(language, request, start, end));
      expect(JSON.stringify(value)).toBe(JSON.stringify(request));
    };
    means(JSON.parse('{"__proto__": {"__proto__": "a"}, "a": [[], {}, "`"]}'));
    fc.assert(fc.property(requests, means));
  });

  it.runIf(hasPython)('in python, which is skipped where there is none', async () => {
    const samples = fc.sample(requests, 300);
    const codes = samples.map((request) => literalIn('python', request, 'request = ', '\n\npost ='));
    const program = `import ast, json, sys
print(json.dumps([ast.literal_eval(code) for code in json.load(sys.stdin)]))`;
    const { stdout, stderr } = await run('python3', ['-c', program], {}, JSON.stringify(codes));
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(samples)));
  });
});

it('the TypeScript passes the strict type check', { timeout: 60_000 }, async () => {
  const files = await Promise.all(KINDS.map((kind) => desk.write(runtimeOf('typescript'), kind, apiUrl)));
  const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
  const strict = '--strict --noUncheckedIndexedAccess --noPropertyAccessFromIndexSignature';
  const place = `--noEmit --ignoreConfig --module nodenext --target es2024 --types node --typeRoots ${modules}/@types`;
  const tsc = `${modules}/typescript/bin/tsc`;
  const args = [tsc, ...strict.split(' '), '--erasableSyntaxOnly', ...place.split(' '), ...files];
  expect(await run(process.execPath, args)).toEqual({ code: 0, stdout: '', stderr: '' });
});

await describeWith('gofmt', ['sh', '-c', 'cat && command -v gofmt'], 'gofmt', () => {
  it('finds nothing to change', async () => {
    const files = await Promise.all(KINDS.map((kind) => desk.write(runtimeOf('go'), kind, apiUrl)));
    expect(await run('gofmt', ['-d', ...files])).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

async function canRun(language: LanguageId): Promise<boolean> {
  const [program, ...args] = runtimeOf(language).needs[1];
  const ran = await run(program, args).catch(() => null);
  return ran?.code === 0;
}

/** What stands between the first words and the last ones of a snippet. */
function literalIn(language: LanguageId, request: object, start: string, end: string): string {
  const text = snippet(language, { kind: 'submit', apiUrl, request });
  const from = text.indexOf(start) + start.length;
  return text.slice(from, text.indexOf(end, from));
}
