import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../run.ts';
import { type LocalSystem, startLocally } from '../blackbox/system.ts';
import { bundled, RUNTIMES } from './runtimes.ts';
import { SEEN, tour } from './tour.ts';

let system: LocalSystem;
let folder: string;
beforeAll(async () => {
  [system, folder] = await Promise.all([startLocally(), mkdtemp(join(tmpdir(), 'client-'))]);
});
afterAll(() => Promise.all([system?.stop(), rm(folder, { recursive: true, force: true })]));

it.concurrent('every call of the client works against the system', async () =>
  expect(await tour(system)).toEqual(SEEN));

/** ModelStudio's sample with its calls gone, and these two lines in their place. */
const LINES = `import { ModelStudioJobsClient } from 'modelstudio-jobs/client';
const generate = async (messages) => (await new ModelStudioJobsClient({ url: BASE_URL, key: API_KEY }).run({ model_id: MODEL_ID, messages })).results;`;

it.concurrent("ModelStudio's own sample runs over it with two lines", async () => {
  const sample = await readFile(new URL('../sandbox/samples/generate.mjs', import.meta.url), 'utf8');
  const from = sample.indexOf('const headers =');
  const to = sample.indexOf('const results = await generate(');
  const [importing = '', calling] = LINES.split('\n');
  const client = JSON.stringify(new URL('../../../clients/typescript/index.ts', import.meta.url).href);
  const ported = [
    importing.replace(/'[^']*'/, client),
    sample.slice(0, from),
    calling,
    sample.slice(to),
  ].join('\n');
  const file = join(folder, 'generate.mjs');
  await writeFile(file, ported);
  const messages = ['first', 'second', 'third'].map((content) => [{ role: 'user', content }]);
  const env = { BASE_URL: system.api_url, API_KEY: system.client_keys[1], MODEL_ID: 'sandbox-batch' };
  const ran = await run(process.execPath, [file], env, JSON.stringify(messages));
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  const lines = ran.stdout.trimEnd().split('\n');
  expect(lines).toEqual(['"first"', '"second"', '"third"'].map((each) => expect.stringContaining(each)));
});

it.concurrent('a program ends as soon as its calls have', async () => {
  const main = `import { ModelStudioJobsClient } from '../../../clients/typescript/index.ts';
const client = new ModelStudioJobsClient(${JSON.stringify({ url: system.api_url, key: system.client_keys[1] })});
await client.list().next();
const at = performance.now();
process.on('exit', () => console.log(performance.now() - at));`;
  const { stdout } = await run(process.execPath, [await bundled(main, join(folder, 'ends.mjs'))]);
  expect(Number(stdout)).toBeLessThan(5000);
});

/** For `npm run test:more`, which installs the runtimes. */
const isAsked = process.env['CLIENT_RUNTIMES'] === 'yes';
describe.runIf(isAsked)('every call works in', () => {
  it.each(RUNTIMES)('$name', async ({ name, program, args }) => {
    const main = `import { tour } from './tour.ts';
console.log(JSON.stringify(await tour(${JSON.stringify({ ...system, process: undefined })})));`;
    const ran = await run(program, [...args, await bundled(main, join(folder, `${name}.mjs`))]);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual(SEEN);
  });
});

it.runIf(isAsked)('its types need no more than a browser has, however strict the compiler is', async () => {
  const path = (file: string) => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
  const flags = '--noEmit --ignoreConfig --strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess';
  const place = '--module esnext --moduleResolution bundler --target es2022 --lib es2022,dom,dom.iterable';
  const args = [path('node_modules/typescript/bin/tsc'), ...flags.split(' '), ...place.split(' ')];
  const client = ['--types', '', '--allowImportingTsExtensions', path('clients/typescript/index.ts')];
  expect(await run(process.execPath, [...args, ...client])).toEqual({ code: 0, stdout: '', stderr: '' });
});
