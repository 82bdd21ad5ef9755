import { expect, it, vi } from 'vitest';
import { openBox, patience } from './scene.ts';
import { call, submission } from './system.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';

it('one trace id leads from the submission through the lines of all stages to ModelStudio and to the receiver', async (context) => {
  const scene = await openBox(context);
  const body = { ...submission('sandbox-batch', 'a', 'b'), webhook_url: scene.receiver.url };
  const headers = { traceparent: `00-${TRACE_ID}-${PARENT_ID}-01`, tracestate: 'app=1' };
  const { json } = await call(scene.system, 'POST', '/v1/jobs', body, headers);
  await vi.waitFor(() => expect(scene.receiver.deliveries.length).toBe(1), patience);

  await vi.waitFor(() => {
    const lines = scene.log.filter(({ job_id }) => job_id === json.job_id);
    const stages = new Set(lines.map(({ message }) => message));
    expect([...stages].sort()).toEqual(['deliver', 'finish', 'poll', 'submit']);
    for (const line of lines) expect(line).toMatchObject({ trace_id: TRACE_ID });
  }, patience);

  const [delivery] = scene.receiver.deliveries;
  const calls = [...scene.sandbox.requests, { traceparent: delivery?.headers['traceparent'] }];
  expect(calls.length).toBeGreaterThan(2);
  const parentIds = calls.map(({ traceparent }) => {
    const [, parentId] = new RegExp(`^00-${TRACE_ID}-([0-9a-f]{16})-01$`).exec(String(traceparent)) ?? [];
    return parentId;
  });
  expect(parentIds).not.toContain(undefined);
  expect(new Set([PARENT_ID, ...parentIds]).size).toBe(calls.length + 1);
  // No setting says that it goes along.
  expect(delivery?.headers).not.toHaveProperty('tracestate');
});
