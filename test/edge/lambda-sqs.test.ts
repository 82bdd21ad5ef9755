import type { SQSEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ComeAgain, lambdaSqs } from '../../functions/edge/lambda-sqs.ts';
import { log, logger } from '../../functions/edge/log.ts';
import { clock } from '../../functions/edge/system.ts';
import { OF_JOB_1 } from '../cloud/jobs.ts';

const failures = (...ids: string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

/** A batch of messages by their ids. */
function batch(bodies: Record<string, string>, receives = 1): SQSEvent {
  const records = Object.entries(bodies).map(([messageId, body]) => ({
    messageId,
    body,
    eventSource: 'aws:sqs',
    receiptHandle: `handle of ${messageId}`,
    attributes: { ApproximateReceiveCount: String(receives) },
    messageAttributes: {},
  }));
  return { Records: records } as unknown as SQSEvent;
}

const nothing: ComeAgain = async () => undefined;

/** Handles messages that are numbers; a negative one throws. */
function handlerOfNumbers(again: ComeAgain = nothing) {
  const handled: number[] = [];
  const handler = lambdaSqs(
    (body) => {
      if (typeof body !== 'number') throw new Error('canary: not a number');
      return body;
    },
    async (message) => {
      if (message < 0) throw new Error(`canary: ${message}`);
      handled.push(message);
      return null;
    },
    again,
  );
  return { handled, handler };
}

let logged: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  logged = vi.spyOn(logger, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('a batch of messages', () => {
  it('is logged in one line, with how long it took', async () => {
    vi.spyOn(clock, 'now').mockReturnValueOnce(1000).mockReturnValue(1250);
    const write = vi.spyOn(logger, 'write').mockReturnValue();
    const handler = lambdaSqs(
      (body) => body,
      async () => {
        log.aggregate('poll', { outcome: 'running' }, { UnknownUpstreamStates: 1 });
        return null;
      },
      nothing,
    );
    await handler(batch({ a: '1', b: '2' }));
    const lines = write.mock.calls.map(([line]) => JSON.parse(line));
    expect(lines).toMatchObject([{ message: 'batch', poll: { running: 2 }, duration_ms: 250 }]);
  });

  it.each<[what: string, bodies: Record<string, string>, handled: number[], failed: string[]]>([
    ['that goes well', { a: '1', b: '2' }, [1, 2], []],
    ['of one', { a: '1' }, [1], []],
    ['with one that throws', { a: '1', b: '-1', c: '3' }, [1, 3], ['b']],
    ['with one that is no JSON', { a: '{', b: '2' }, [2], ['a']],
    ['with one that is empty', { a: '', b: '2' }, [2], ['a']],
    ['with one that cannot be read', { a: '1', b: '"x"' }, [1], ['b']],
    ['in which all fail', { a: '-1', b: 'null' }, [], ['a', 'b']],
  ])('returns only the messages that failed: one %s', async (_what, bodies, handled, failed) => {
    const numbers = handlerOfNumbers();
    const { batchItemFailures } = await numbers.handler(batch(bodies));
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(failed);
    expect(numbers.handled).toEqual(handled);
  });

  it('is handled concurrently, so that a slow message holds up no other', async () => {
    const gate = Promise.withResolvers<void>();
    const handler = lambdaSqs(
      (body) => body,
      async (message) => {
        if (message === 'last') gate.resolve();
        await gate.promise;
        return null;
      },
      nothing,
    );
    expect(await handler(batch({ a: '"slow"', b: '"slow"', c: '"last"' }))).toEqual(failures());
  });

  it('has none of the failures of the one before', async () => {
    const { handler } = handlerOfNumbers();
    expect(await handler(batch({ a: '-1' }))).toEqual(failures('a'));
    expect(await handler(batch({ b: '1' }))).toEqual(failures());
  });
});

describe('a message that failed', () => {
  it.each([
    [1, [['handle of a', 5]]],
    [2, [['handle of a', 10]]],
    [6, [['handle of a', 160]]],
    [7, []],
    [13, []],
  ])('comes back after a longer wait each time: at receipt %d', async (receives, asked) => {
    const again = vi.fn(nothing);
    await handlerOfNumbers(again).handler(batch({ a: '-1' }, receives));
    expect(again.mock.calls).toEqual(asked);
  });

  it('goes back to the queue even if its wait cannot be set', async () => {
    const again = () => Promise.reject(new Error('SQS is out of reach'));
    expect(await handlerOfNumbers(again).handler(batch({ a: '-1' }))).toEqual(failures('a'));
  });
});

it('a message that asks to come back later does so, and counts as no failure', async () => {
  const again = vi.fn(nothing);
  const handler = lambdaSqs(
    (body) => body,
    async (body) => (body === 'wait' ? clock.now() + 59_001 : null),
    again,
  );
  vi.useFakeTimers({ toFake: ['Date'], now: 0 });
  expect(await handler(batch({ a: '"wait"', b: '"done"' }, 9))).toEqual(failures('a'));
  vi.useRealTimers();
  expect(again.mock.calls).toEqual([['handle of a', 60]]);
  expect(logged).not.toHaveBeenCalled();
});

it("a failure is logged with the message's id and the error's name, without the text of either", async () => {
  const { handler } = handlerOfNumbers();
  await handler(batch({ a: '-1', b: '"canary"' }));
  for (const message_id of ['a', 'b']) {
    const error = { name: 'Error', stack: expect.any(String) };
    expect(logged).toHaveBeenCalledWith('message failed', { message_id, error });
  }
  expect(JSON.stringify(logged.mock.calls)).not.toContain('canary');
});

it('a failure is logged with its job and trace if the message can be read', async () => {
  const handler = lambdaSqs(
    (body) => body as { jobId: string },
    () => Promise.reject(new Error('x')),
    nothing,
  );
  const traced = { jobId: 'job_2', trace: `${'4b'.repeat(16)}-00` };
  await handler(batch({ a: '{"jobId":"job_1"}', b: '{', c: JSON.stringify(traced), d: '{"jobId":{}}' }));
  const ofTrace = { job_id: 'job_2', trace_id: '4b'.repeat(16) };
  for (const fields of [OF_JOB_1, ofTrace, { message_id: 'd' }])
    expect(logged).toHaveBeenCalledWith('message failed', expect.objectContaining(fields));
  expect(logged).toHaveBeenCalledWith('message failed', expect.objectContaining({ message_id: 'b' }));
});

it('what a batch has counted beside polls is logged before its invocation ends', async () => {
  const lines = vi.spyOn(logger, 'info').mockImplementation(() => undefined);
  const handle = async () => {
    log.aggregate('poll', { outcome: 'running' }, { Polls: 1, UnknownUpstreamStates: 1 });
    return null;
  };
  await lambdaSqs((body) => body, handle, nothing)(batch({ a: '1', b: '2' }));
  const counted = expect.objectContaining({ poll: { running: 2 }, Polls: 2 });
  expect(lines.mock.calls).toEqual([['batch', counted]]);
});

it.each([
  [1, false],
  [2, true],
])('a message that is received for the time %i is a repeat or not', async (receives, isRepeat) => {
  const handle = vi.fn(async () => null);
  await lambdaSqs((body) => body, handle, nothing)(batch({ a: '1' }, receives));
  expect(handle).toHaveBeenCalledWith(1, isRepeat);
});
