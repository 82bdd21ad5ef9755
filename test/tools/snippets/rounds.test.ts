import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { describeWith } from '../../needs.ts';
import { run } from '../../run.ts';
import { call, type LocalSystem, startLocally } from '../blackbox/system.ts';
import { type Receiving, startReceiving } from '../examples/receiving.ts';
import { LARGE_RESULTS, startFakeApi } from './fake-api.ts';
import { type Desk, openDesk, RUNTIMES, type Runtime } from './runtimes.ts';

/** Compiling Go for the first time takes its while. */
const timeout = 120_000;

/** What some language, shell or page might take for its own; each is short enough for the sandbox to quote it whole. */
const PROMPTS = [
  `He said: "it's $HOME $(id) \`id\` \${x} %s %d {0} {{x}} !!" \\ \\n \\u0041 \\`,
  'a\nJSON\nEOF\r\n\ttab\b\f """ \'\'\' </script> <!-- ]]> // /* */ # -- ; | & * ? ~ \\',
  '😀 👩‍👩‍👧 é ß 漢字 \u2028 \u202e \u0085 \u007f \u0001 \u0000 \ufeff \u{10ffff}',
];

/** Those whose code repeats by itself what may pass. */
const REPEATING = ['javascript', 'typescript', 'python'];

const METADATA = {
  [`it's "quoted" $(id) \`id\``]: `\\ %s </script> 'x' "y"`,
  constructor: '😀 \u202e \u2028',
  class: '',
};

let system: LocalSystem;
let desk: Desk;
beforeAll(async () => {
  [system, desk] = await Promise.all([startLocally(), openDesk()]);
});
afterAll(() => Promise.all([system?.stop(), desk?.clear()]));

/** cURL cannot receive; the system's own inbox does. */
async function receiverIn(runtime: Runtime, context: TestContext): Promise<Receiving | null> {
  if (runtime.language === 'curl') return null;
  const command = await desk.command(runtime, 'receive', system.api_url);
  const env = { WEBHOOK_SECRET: system.webhook_secret, INBOX: desk.inbox };
  const receiver = await startReceiving(...command, env);
  context.onTestFinished(async () => {
    await receiver.stop();
  });
  return receiver;
}

function rounds(runtime: Runtime) {
  it('the job that is submitted is run, read and received', { timeout }, async (context) => {
    const receiver = await receiverIn(runtime, context);
    const request = {
      model_id: 'sandbox-batch',
      messages: PROMPTS.map((content) => [{ role: 'user', content }]),
      temperature: 0.25,
      metadata: METADATA,
      webhook_url: receiver?.url ?? system.webhook_inbox_url,
    };
    const submit = await desk.command(runtime, 'submit', `${system.api_url}/`, request);
    const read = await desk.command(runtime, 'read', system.api_url);

    const CLIENT_KEY = system.client_keys[0];
    const env = { CLIENT_KEY, IDEMPOTENCY_KEY: `of-${runtime.language}` };
    const submitted = await run(...submit, env);
    expect(submitted).toMatchObject({ code: 0, stderr: '' });
    const [JOB_ID = ''] = /job_[a-z0-9]{20,}/.exec(submitted.stdout) ?? [];
    expect((await run(...submit, env)).stdout).toContain(JOB_ID);
    const shown = await run(...read, { CLIENT_KEY, JOB_ID });
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    const { status, results } = JSON.parse(shown.stdout);
    expect(status).toBe('completed');
    expect(results.map(({ result }: { result: string }) => result)).toEqual(
      PROMPTS.map((prompt) => `Sandbox reply to "${prompt}" (temperature 0.25, max_tokens 512)`),
    );
    expect((await call(system, 'GET', `/v1/jobs/${JOB_ID}`)).json).toMatchObject({ metadata: METADATA });
    if (!receiver) return;
    await vi.waitFor(async () => expect(await receiver.processed()).toEqual([JOB_ID]), { timeout: 20_000 });
  });

  it('a problem is shown, and sets the exit code', { timeout }, async () => {
    const request = { model_id: 'sandbox-instant', messages: [[{ role: 'user' }]] };
    const submit = await desk.command(runtime, 'submit', system.api_url, request);
    const read = await desk.command(runtime, 'read', system.api_url);
    const env = { CLIENT_KEY: system.client_keys[0], JOB_ID: 'job_nobody' };
    for (const [command, words] of [
      [submit, '/messages/0/0/content'],
      [read, 'not_found'],
    ] as const) {
      const { code, stdout, stderr } = await run(...command, env);
      expect(code).not.toBe(0);
      expect(stdout + stderr).toContain(words);
    }
  });

  it.runIf(REPEATING.includes(runtime.language))(
    'a 503 is no reason to give up',
    { timeout },
    async (context) => {
      const api = await startFakeApi(1, { busyFor: 2 });
      context.onTestFinished(() => api.close());
      const submit = await desk.command(runtime, 'submit', api.url, {});
      const read = await desk.command(runtime, 'read', api.url);
      const env = { CLIENT_KEY: 'msj_a_b', JOB_ID: 'job_1' };
      for (const command of [submit, read]) {
        const { code, stdout, stderr } = await run(...command, env);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toContain('job_1');
      }
      const keys = api.seen.flatMap(({ idempotencyKey }) => idempotencyKey ?? []);
      expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
    },
  );

  it('reading obeys Retry-After, and sends the key to no other host', { timeout }, async (context) => {
    const api = await startFakeApi(2);
    context.onTestFinished(() => api.close());
    const read = await desk.command(runtime, 'read', api.url);
    const { code, stdout, stderr } = await run(...read, { CLIENT_KEY: 'msj_a_b', JOB_ID: 'job_1' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [first, second] = api.seen;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(1900);
    for (const { authorization } of api.seen) expect(authorization).toBe('Bearer msj_a_b');
    // It leaves it to the reader to follow the URL.
    if (runtime.language === 'curl') return;
    expect(JSON.parse(stdout).results).toEqual(LARGE_RESULTS);
    expect(api.seenByStore).toMatchObject([{ path: '/large', authorization: undefined }]);
  });
}

describe.concurrent('a snippet works from the submission to the webhook:', async () => {
  for (const runtime of RUNTIMES) {
    await describeWith(...runtime.needs, runtime.language, () => rounds(runtime));
  }
});
