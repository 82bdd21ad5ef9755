import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { run } from '../../run.ts';

/** The models' seconds pass ten times as fast, the flow of the samples stays as it is. */
const SPEED = 10;
const PIXEL = 'data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=';
const hasCurl = spawnSync('curl', ['--version']).error === undefined;

const start = Date.now();
const fast = () => start + (Date.now() - start) * SPEED;
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ clock: fast });
});
afterAll(() => sandbox.close());

function sample(name: string): string {
  return fileURLToPath(new URL(`samples/${name}`, import.meta.url));
}

function environment(modelId: string): Record<string, string> {
  return {
    BASE_URL: sandbox.baseUrl,
    ORGANIZATION_ID: sandbox.organizationId,
    API_KEY: sandbox.apiKey,
    MODEL_ID: modelId,
    POLL_MILLISECONDS: '50',
    POLL_SECONDS: '0.05',
  };
}

const user = (content: unknown) => ({ role: 'user', content });
const BATCH = [[user('first')], [user('second')], [user('third')]];
const TURNS = [[user('I am Ada.'), { role: 'assistant', content: 'Hello Ada.' }, user('Who am I?')]];
const VISION = [
  [
    user([
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: PIXEL } },
    ]),
  ],
];

const CASES: [name: string, model: string, messages: unknown, replies: string[]][] = [
  ['a single prompt', 'sandbox-instant', [[user('Hello')]], ['"Hello"']],
  ['a batch of three', 'sandbox-batch', BATCH, ['"first"', '"second"', '"third"']],
  ['several turns', 'sandbox-instant', TURNS, ['"Who am I?" (turn 2, after "I am Ada."']],
  ['an image', 'sandbox-vision', VISION, ['"What is this?" (sees image/gif of 23 bytes']],
];

describe('the JavaScript sample', () => {
  test.concurrent.each(CASES)('%s', async (_name, model, messages, replies) => {
    const script = sample('generate.mjs');
    const ran = await run(process.execPath, [script], environment(model), JSON.stringify(messages));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const lines = ran.stdout.trimEnd().split('\n');
    expect(lines).toEqual(replies.map((reply) => expect.stringContaining(reply)));
  });
});

describe.skipIf(!hasCurl)('the cURL sample works (skipped where there is no curl)', () => {
  test.concurrent.each(CASES)('%s', async (_name, model_id, messages, replies) => {
    const body = JSON.stringify({ model_id, messages });
    const ran = await run('sh', [sample('generate.sh')], environment(model_id), body);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const { results } = JSON.parse(ran.stdout) as { results: { task_index: number; result: string }[] };
    expect(results.map((task) => task.task_index)).toEqual([...replies.keys()]);
    expect(results.map((task) => task.result)).toEqual(
      replies.map((reply) => expect.stringContaining(reply)),
    );
  });
});

describe("IONOS's sample", () => {
  test.concurrent('ends in the sandbox', async () => {
    const ran = await run(process.execPath, [sample('ionos.mjs')], environment('sandbox-finished'));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toContain('"The capital of France is"');
  });
});

describe("the public client's rules", () => {
  test.concurrent.each<[what: string, model: string, changes: Record<string, string>, said: string | null]>([
    ['a finished job has a result', 'sandbox-finished', {}, null],
    ['a job may be canceled', 'sandbox-canceled', {}, 'The job is CANCELED'],
    ['a wrong key is no 2xx', 'sandbox-finished', { API_KEY: 'wrong' }, 'HTTP 401'],
    ['nor is another organization', 'sandbox-finished', { ORGANIZATION_ID: 'org_other' }, 'HTTP 403'],
    ['nor an unknown model', 'gpt-9', {}, 'HTTP 404'],
    ['it gives up in the end', 'sandbox-never', { POLL_MILLISECONDS: '1' }, 'The job takes too long'],
  ])('%s', async (_what, model, changes, said) => {
    const env = {
      ...environment(model),
      STUDIO_BASE: `${sandbox.baseUrl}/api/v1`,
      PROMPT: 'Hello',
      ...changes,
    };
    const ran = await run(process.execPath, [sample('studio-client.mjs')], env);
    if (said === null) expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('"Hello"') });
    else expect(ran).toMatchObject({ code: 1, stderr: `${said}\n` });
  });

  test.concurrent('are met by a job that fails', async () => {
    const ionos = await startSandbox({ dialect: 'ionos', clock: fast });
    const env = { ...environment('sandbox-fails'), STUDIO_BASE: `${ionos.baseUrl}/api/v1`, PROMPT: 'Hello' };
    const ran = await run(process.execPath, [sample('studio-client.mjs')], env);
    await ionos.close();
    expect(ran).toMatchObject({ code: 1, stderr: 'The job is FAILED\n' });
  });
});
