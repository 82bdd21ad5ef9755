import { expect, it, onTestFinished } from 'vitest';
import { closeServer, listenLocally } from '../../../tools/local/http/server.ts';
import { createRuntimeApi } from '../../../tools/local/stack/runtime/runtime-api.ts';
import type { WorkerMessage } from '../../../tools/local/stack/runtime/worker.ts';
import { eventually } from './fixtures.ts';

it('the Runtime API hands out invocations one by one, and reports the outcome of one when the next is requested', async () => {
  const messages: WorkerMessage[] = [];
  const api = createRuntimeApi({ name: 'fixture' }, { onMessage: (message) => messages.push(message) });
  const url = await listenLocally(api.server);
  onTestFinished(() => closeServer(api.server));
  const next = () => fetch(`${url}/2018-06-01/runtime/invocation/next`);
  const answer = (path: string, body: object) =>
    fetch(`${url}/2018-06-01/runtime/invocation/${path}`, { method: 'POST', body: JSON.stringify(body) });
  const given = (requestId: string) =>
    ({ type: 'invocation', requestId, event: `"${requestId}"`, deadlineMs: 1e12 }) as const;

  const first = next();
  await eventually(() => expect(messages).toEqual([{ type: 'ready' }]));
  api.run(given('one'));
  const { headers } = await first;
  expect(Object.fromEntries(headers)).toMatchObject({
    'lambda-runtime-aws-request-id': 'one',
    'lambda-runtime-deadline-ms': '1000000000000',
    'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:000000000000:function:fixture',
  });
  expect(await (await first).json()).toBe('one');
  expect((await answer('one/response', { a: 1 })).status).toBe(202);
  expect(messages.length).toBe(1);

  const second = next();
  await eventually(() => expect(messages[1]).toEqual({ type: 'result', result: '{"a":1}' }));
  api.run(given('two'));
  expect(await (await second).json()).toBe('two');
  const error = { errorType: 'RangeError', errorMessage: 'too far' };
  expect((await answer('two/error', error)).status).toBe(202);
  void next().catch(() => undefined);
  await eventually(() => expect(messages[2]).toEqual({ type: 'failure', failure: { trace: [], ...error } }));
});
