import type { Context, SQSEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lambdaSqs } from '../../functions/edge/lambda-sqs.ts';
import { logger } from '../../functions/edge/log.ts';

const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
const failures = (...ids: string[]) => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
});

/** A batch of messages by their ids. */
function batch(bodies: Record<string, string>): SQSEvent {
  const records = Object.entries(bodies).map(([messageId, body]) => ({
    messageId,
    body,
    eventSource: 'aws:sqs',
    receiptHandle: 'r',
    attributes: {},
    messageAttributes: {},
  }));
  return { Records: records } as unknown as SQSEvent;
}

/** Handles messages that are numbers; a negative one throws. */
function handlerOfNumbers() {
  const handled: number[] = [];
  const handler = lambdaSqs(
    (body) => {
      if (typeof body !== 'number') throw new Error('canary: not a number');
      return body;
    },
    async (message) => {
      if (message < 0) throw new Error(`canary: ${message}`);
      handled.push(message);
    },
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

describe('a batch', () => {
  it.each<[what: string, bodies: Record<string, string>, handled: number[], failed: string[]]>([
    ['that goes well', { a: '1', b: '2' }, [1, 2], []],
    ['of one', { a: '1' }, [1], []],
    ['with one that throws', { a: '1', b: '-1', c: '3' }, [1, 3], ['b']],
    ['with one that is no JSON', { a: '{', b: '2' }, [2], ['a']],
    ['with one that is empty', { a: '', b: '2' }, [2], ['a']],
    ['with one that cannot be read', { a: '1', b: '"x"' }, [1], ['b']],
    ['in which all fail', { a: '-1', b: 'null' }, [], ['a', 'b']],
  ])('gives back those messages alone that failed: %s', async (_what, bodies, handled, failed) => {
    const numbers = handlerOfNumbers();
    const { batchItemFailures } = await numbers.handler(batch(bodies), context);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).sort()).toEqual(failed);
    expect(numbers.handled).toEqual(handled);
  });

  it('is handled all at once: a slow message holds up no other', async () => {
    const gate = Promise.withResolvers<void>();
    const handler = lambdaSqs(
      (body) => body,
      async (message) => (message === 'last' ? gate.resolve() : gate.promise),
    );
    expect(await handler(batch({ a: '"slow"', b: '"slow"', c: '"last"' }), context)).toEqual(failures());
  });

  it('knows nothing of the one before', async () => {
    const { handler } = handlerOfNumbers();
    expect(await handler(batch({ a: '-1' }), context)).toEqual(failures('a'));
    expect(await handler(batch({ b: '1' }), context)).toEqual(failures());
  });
});

it('a failure is logged by its message and the name of the error, without what it quotes', async () => {
  const { handler } = handlerOfNumbers();
  await handler(batch({ a: '-1', b: '"canary"' }), context);
  for (const message_id of ['a', 'b']) {
    const error = { name: 'Error', stack: expect.any(String) };
    expect(logged).toHaveBeenCalledWith('message failed', { message_id, error });
  }
  expect(JSON.stringify(logged.mock.calls)).not.toContain('canary');
});
