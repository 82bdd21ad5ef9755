import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../needs.ts';
import { run } from '../../run.ts';
import { type LocalSystem, startLocally } from '../blackbox/system.ts';
import { runtimeOf } from '../snippets/runtimes.ts';
import { pageAt, root } from './pages.ts';

const { fences } = pageAt('docs/large-jobs.md');
const WORDS = ['One', 'Two', 'Three', 'Four'];
const LINES = WORDS.map((content) => JSON.stringify([{ role: 'user', content }]));

let system: LocalSystem;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'large-jobs-'));
  system = await startLocally({ CONVERSATIONS_PER_CREATE: '3' });
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

// With other line breaks, it is another file.
for (const { language, fence, extension, lineBreak } of [
  { language: 'javascript', fence: 'js', extension: 'mjs', lineBreak: '\n' },
  { language: 'python', fence: 'python', extension: 'py', lineBreak: '\r\n' },
] as const) {
  const { needs, command } = runtimeOf(language);
  await describeWith(...needs, `the ${language} code in docs/large-jobs.md`, () => {
    it('uploads the file, waits, and writes the results in order', async () => {
      const fileOf = (name: string) => join(folder, `${name}.${extension}`);
      const [code, data, output] = [fileOf('code'), fileOf('data'), fileOf('output')];
      await writeFile(code, fences.find((block) => block.language === fence)?.text ?? '');
      await writeFile(data, LINES.join(lineBreak));
      const [program, args] = await command(code);
      const PYTHONPATH = join(root, 'clients/python');
      const env = { API_URL: system.api_url, CLIENT_KEY: system.client_keys[0], PYTHONPATH };
      const ran = await run(program, [...args, data, 'sandbox-instant', output], env);
      expect(ran).toMatchObject({ code: 0, stderr: expect.stringMatching(/^completed: 4 of 4$/m) });
      const results = (await readFile(output, 'utf8')).trimEnd().split('\n');
      const words = results
        .map((line) => JSON.parse(line))
        .map(({ task_index, result }) => [task_index, result]);
      expect(words).toEqual(WORDS.map((word, i) => [i, expect.stringContaining(word)]));
    });
  });
}
