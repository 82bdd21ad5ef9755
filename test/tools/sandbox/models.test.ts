import { describe, expect, test } from 'vitest';
import { type Job, MODELS, type Model, reportOn } from '../../../tools/local/sandbox/models.ts';
import { imageIn, repliesTo, textOf } from '../../../tools/local/sandbox/reply.ts';
import type { Conversation } from '../../../tools/local/sandbox/request.ts';

const START = 1_000_000;

function jobOf(modelId: string, total: number): Job {
  const replies = Array.from({ length: total }, (_, index) => ({ text: `reply ${index}` }));
  return { id: 'job_1', model: MODELS[modelId] as Model, createdAt: START, replies, statusCalls: 0 };
}

describe('the state of a job', () => {
  test.each<[model: string, tasks: number, elapsed: number, status: string, completed: number]>([
    ['sandbox-instant', 2, 0, 'created', 0],
    ['sandbox-instant', 2, 100, 'processing', 0],
    ['sandbox-instant', 2, 299, 'processing', 0],
    ['sandbox-instant', 2, 300, 'completed', 2],
    ['sandbox-30s', 1, 29_999, 'processing', 0],
    ['sandbox-30s', 1, 30_000, 'completed', 1],
    ['sandbox-batch', 3, 0, 'created', 0],
    ['sandbox-batch', 3, 800, 'processing', 1],
    ['sandbox-batch', 3, 2399, 'processing', 2],
    ['sandbox-batch', 3, 2400, 'completed', 3],
    ['sandbox-batch', 200, 6000, 'processing', 100],
    ['sandbox-batch', 200, 12_000, 'completed', 200],
    ['sandbox-batch', 1000, 12_000, 'completed', 1000],
    ['sandbox-vision', 1, 1000, 'completed', 1],
    ['sandbox-task-errors', 3, 999, 'processing', 0],
    ['sandbox-task-errors', 3, 1000, 'completed', 3],
    ['sandbox-fails', 2, 999, 'processing', 0],
    ['sandbox-fails', 2, 1000, 'failed', 0],
    ['sandbox-finished', 2, 999, 'processing', 0],
    ['sandbox-finished', 2, 1000, 'completed', 2],
    ['sandbox-canceled', 2, 999, 'processing', 0],
    ['sandbox-canceled', 2, 1000, 'canceled', 0],
    ['sandbox-never', 1, 99, 'created', 0],
    ['sandbox-never', 1, 365 * 24 * 3_600_000, 'processing', 0],
    ['sandbox-flaky', 1, 999, 'processing', 0],
    ['sandbox-flaky', 1, 1000, 'completed', 1],
  ])(
    'is as its model says: %s with %i tasks after %i ms is %s',
    (model, tasks, elapsed, status, completed) => {
      const report = reportOn(jobOf(model, tasks), START + elapsed);
      expect(report).toMatchObject({ job_status: status, total_tasks: tasks, completed_tasks: completed });
      expect(report.results.map((task) => task.task_index)).toEqual([...Array(completed).keys()]);
    },
  );

  test.each([
    [1, ['failed']],
    [2, ['completed', 'failed']],
    [4, ['completed', 'failed', 'completed', 'failed']],
  ])('includes errors in sandbox-task-errors with %i tasks', (tasks, statuses) => {
    const { results } = reportOn(jobOf('sandbox-task-errors', tasks), START + 1000);
    expect(results.map((task) => task.status)).toEqual(statuses);
    for (const { status, result, error } of results) {
      expect(status === 'failed' ? [result, typeof error] : [typeof result, error]).toEqual(
        status === 'failed' ? [null, 'string'] : ['string', null],
      );
    }
  });
});

describe('sandbox-flaky', () => {
  test('accepts every other create, and reports a true status in the end', () => {
    const { create, status } = MODELS['sandbox-flaky']?.rota ?? { create: [], status: [] };
    expect(create.map((fault) => fault === null)).toEqual(create.map((_, index) => index % 2 === 0));
    expect(status.at(-1)).toBeNull();
  });
});

describe('a reply', () => {
  const user = (content: string) => ({ role: 'user' as const, content });

  function replyTo(conversation: Conversation): string {
    const request = { model_id: 'm', messages: [conversation], temperature: 0.7, max_tokens: 512 };
    const replies = repliesTo(request);
    if ('refusal' in replies) throw new Error(replies.refusal);
    return textOf(replies[0] as { text: string });
  }

  test.each<[name: string, conversation: Conversation, reply: string]>([
    ['one turn', [user('Hi')], '"Hi" (temperature 0.7, max_tokens 512)'],
    [
      'system prompt and turns',
      [
        { role: 'system', content: 'Be brief.' },
        user('I am Ada.'),
        { role: 'assistant', content: 'Ok.' },
        user('Who?'),
      ],
      '"Who?" (turn 2, after "I am Ada."; system prompt "Be brief."; temperature 0.7, max_tokens 512)',
    ],
    [
      'no user message',
      [{ role: 'system', content: 'S' }],
      '"S" (system prompt "S"; temperature 0.7, max_tokens 512)',
    ],
    [
      'text parts',
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
      '"a b" (',
    ],
    ['an emoji on the edge', [user(`${'x'.repeat(198)}😀 and more`)], `"${'x'.repeat(198)}\uFFFD…"`],
  ])('is made from the prompt: %s', (_name, conversation, reply) => {
    expect(replyTo(conversation)).toContain(`Sandbox reply to ${reply}`);
  });

  test.each([0, 1, 15, 16, 100_001, 64 * 1024 * 1024])('has as many bytes as repeat:%i says', (bytes) => {
    expect(Buffer.byteLength(replyTo([user('earlier'), user(`repeat:${bytes}`)]))).toBe(bytes);
  });

  test('cannot be repeated without limit', () => {
    expect(() => replyTo([user('repeat:67108865')])).toThrow('67108864 bytes at most');
  });
});

describe('an image', () => {
  const PIXEL = 'R0lGODlhAQABAAAAACwAAAAAAQABAAA=';

  test.each([
    [`data:image/gif;base64,${PIXEL}`, { mimeType: 'image/gif', bytes: 23 }],
    [`DATA:image/GIF;name=a;BASE64,${PIXEL.replace('=', '')}`, { mimeType: 'image/gif', bytes: 23 }],
    [`data:text/plain;base64,${PIXEL}`, null],
    [`data:image/gif,${PIXEL}`, null],
    ['data:image/gif;base64,', null],
    ['data:image/gif;base64,R0lG*DlhAQAB', null],
    ['data:image/gif;base64', null],
    ['https://example.com/a.png', null],
  ])('%s', (url, image) => expect(imageIn(url)).toEqual(image));
});
