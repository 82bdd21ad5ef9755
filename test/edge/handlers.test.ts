import { ChangeMessageVisibilityCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse } from 'aws-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiEvent, sqsEvent } from '../cloud/handlers.ts';
import { queueUrlOf, stubVariables } from './variables.ts';

/** In the place of what the handlers hand over to, which is tested in test/flows. */
const flows = vi.hoisted(() => ({
  authorize: vi.fn(),
  submit: vi.fn(),
  answer: vi.fn(),
  poll: vi.fn(),
  deliver: vi.fn(),
  sweep: vi.fn(),
  dial: vi.fn(),
}));
vi.mock('../../functions/http/authorize.ts', () => flows);
vi.mock('../../functions/submit/submit.ts', () => flows);
vi.mock('../../functions/jobs/jobs.ts', () => flows);
vi.mock('../../functions/poll/poll.ts', () => flows);
vi.mock('../../functions/deliver/deliver.ts', () => flows);
vi.mock('../../functions/sweep/sweep.ts', () => flows);
vi.mock('../../functions/edge/dial.ts', () => flows);

const BLOCKED = Object.assign(new Error(), { code: 'ERR_IP_BLOCKED' });
const sqs = mockClient(SQSClient);

beforeEach(async () => {
  stubVariables();
  flows.dial.mockRejectedValue(BLOCKED);
  sqs.reset();
  sqs.on(ChangeMessageVisibilityCommand).resolves({});
  const { logger } = await import('../../functions/edge/log.ts');
  vi.spyOn(logger, 'write').mockReturnValue();
});
afterEach(() => {
  vi.useRealTimers();
  vi.resetModules();
  vi.unstubAllEnvs();
  vi.resetAllMocks();
});

const handlerOf = async (name: string) => (await import(`../../functions/${name}/handler.ts`)).handler;

const wakeUp = { seq: 1, token: 'a', dueAt: 0 };
const polled = { recordedToken: 'a', pollsSinceRecord: 0, upstreamJobId: 'up-1', polledAt: 0, isSeen: false };
const MESSAGES = {
  poll: { jobId: 'job_1', wakeUp, ...polled },
  collect: { jobId: 'job_1', wakeUp, ...polled },
  deliver: { jobId: 'job_1', wakeUp, attempts: 0 },
};

/** What a function answers to a message, and for how long it then hides it in its queue. */
async function given(name: string, body: unknown, receives = 1): Promise<[SQSBatchResponse, object[]]> {
  const message = { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const handler = await handlerOf(name);
  const response = await handler(sqsEvent(name, [{ message, receives, receiptHandle: 'r1' } as never]));
  const calls = sqs.commandCalls(ChangeMessageVisibilityCommand).map((call) => call.args[0].input);
  return [response, calls];
}

const DONE = { batchItemFailures: [] };
const NOT_DONE = { batchItemFailures: [{ itemIdentifier: '0' }] };

describe('the handler of a queue', () => {
  it.each(['poll', 'collect', 'deliver'])(
    'gives a failed message back to its own queue: %s',
    async (name) => {
      const hidden = { QueueUrl: queueUrlOf(name), ReceiptHandle: 'r1', VisibilityTimeout: 5 };
      expect(await given(name, 'no JSON')).toEqual([NOT_DONE, [hidden]]);
    },
  );

  it.each(['poll', 'collect'] as const)(
    'hands a message over, and whether it was received before: %s',
    async (name) => {
      flows.poll.mockResolvedValue(undefined);
      expect(await given(name, MESSAGES[name])).toEqual([DONE, []]);
      expect(await given(name, MESSAGES[name], 2)).toEqual([DONE, []]);
      const isCollector = { settings: expect.objectContaining({ isCollector: name === 'collect' }) };
      const world = expect.objectContaining(isCollector);
      expect(flows.poll.mock.calls).toEqual([
        [MESSAGES[name], false, world],
        [MESSAGES[name], true, world],
      ]);
    },
  );

  it('hands a message over, and gives it back to come again when the flow says so: deliver', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    flows.deliver.mockResolvedValueOnce(null).mockResolvedValueOnce(Date.now() + 29_500);
    expect(await given('deliver', MESSAGES.deliver)).toEqual([DONE, []]);
    const hidden = { QueueUrl: queueUrlOf('deliver'), ReceiptHandle: 'r1', VisibilityTimeout: 30 };
    expect(await given('deliver', MESSAGES.deliver)).toEqual([NOT_DONE, [hidden]]);
    expect(flows.deliver.mock.calls[0]?.[0]).toEqual(MESSAGES.deliver);
  });

  it('sends no webhook where sockets do not heed the block list of addresses', async () => {
    flows.dial.mockResolvedValue({});
    const [response] = await given('deliver', MESSAGES.deliver);
    expect(response).toEqual(NOT_DONE);
    expect(flows.deliver).not.toHaveBeenCalled();
  });
});

describe.each([
  ['submit', flows.submit],
  ['jobs', flows.answer],
])('the handler of the API: %s', (name, flow) => {
  const event = apiEvent({ method: 'POST', path: '/v1/jobs?a=b', headers: { x: 'y' }, body: 'é' });
  const request = expect.objectContaining({ method: 'POST', path: '/v1/jobs', query: 'a=b' });
  const ANSWER = { status: 202, headers: { a: 'b' }, body: 'c' };

  it('hands over a request that was let in, and answers what comes of it', async () => {
    const authorized = { operation: 'submit', jobId: '', client: 'acme' };
    flows.authorize.mockResolvedValue(authorized);
    flow.mockResolvedValue(ANSWER);
    expect(await (await handlerOf(name))(event)).toMatchObject({ statusCode: 202, body: 'c' });
    const [[, world] = []] = flows.authorize.mock.calls;
    expect(flow.mock.calls).toEqual([[request, authorized, world]]);
  });

  it('answers a request that was not let in, and hands it to nobody', async () => {
    flows.authorize.mockResolvedValue({ ...ANSWER, status: 401 });
    expect(await (await handlerOf(name))(event)).toMatchObject({ statusCode: 401, body: 'c' });
    expect(flow).not.toHaveBeenCalled();
  });
});

it('the handler of sweep fails when the sweep does', async () => {
  flows.sweep.mockRejectedValue(new Error('2 overdue jobs failed'));
  await expect((await handlerOf('sweep'))()).rejects.toThrow('2 overdue jobs failed');
});
