import { createHash } from 'node:crypto';
import type { Report } from '../../../functions/core/upstream/report.ts';
import type { AttemptOutcome } from '../../../functions/core/webhook/attempt.ts';
import { deleteJob } from '../../../functions/jobs/delete.ts';
import { redeliver } from '../../../functions/jobs/redeliver.ts';
import { submit } from '../../../functions/submit/submit.ts';
import { TRACEPARENT } from '../../cloud/jobs.ts';
import { nothingStored, type Stored, storedWorld } from './stored-world.ts';

const MINUTE = 60_000;
/** Text that does not shrink. */
const noise = Array.from({ length: 140 }, (_, i) =>
  createHash('sha512').update(String(i)).digest('base64'),
).join('');

const running: Report = { kind: 'running', completedTasks: 1, unknownState: null };
const ended = (text: string, missing = 0): Report => ({
  kind: 'completed',
  results: { json: JSON.stringify([{ result: text }]), failedTasks: missing, missing, surplus: 0 },
});
const answered = (status: number): AttemptOutcome => ({ kind: 'answered', status, retryAfterSeconds: null });

/** Two jobs from their creation to their end, with whatever this release stores of them on the way. */
export async function tellStory(): Promise<Record<string, Stored>> {
  const chapters: Record<string, Stored> = {};
  const reports = [running, ended('', 1), ended('hello'), ended(noise)];
  const exchanges = [answered(500), answered(204)];
  const world = storedWorld(nothingStored(), { reports, exchanges });
  const note = (chapter: string) => {
    chapters[chapter] ??= world.stored();
  };
  const create = world.modelStudio.create;
  world.modelStudio.create = (submission) => {
    note('it is being submitted');
    return create(submission);
  };
  const send = world.webhooks.send;
  world.webhooks.send = (webhook, body) => {
    note('an attempt is under way');
    return send(webhook, body);
  };
  const body = { model_id: 'm', messages: [[{ role: 'user', content: 'hi' }]] };
  const post = (more: object, headers: object = {}) => ({
    ...{ method: 'POST', path: '/v1/jobs', query: '', requestId: 'r1' },
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify({ ...body, ...more })),
  });
  const authorized = { operation: 'submit', jobId: '', client: 'acme' } as const;
  const after = async (chapter: string, step: Promise<unknown>) => {
    await step;
    note(chapter);
    world.clock.time += MINUTE;
  };
  const metadata = { order: '17', 'Straße 😀': 'ß' };
  const withWebhook = post({ metadata, webhook_url: 'https://hooks.example.com/h' });
  await after('it is running', submit(withWebhook, authorized, world));
  await after('it has come further', world.receive('poll'));
  await after('it is in doubt', world.receive('poll'));
  await after('it has finished', world.receive('poll'));
  await after('its webhook failed', world.receive('deliver'));
  await after('its webhook was delivered', world.receive('deliver'));
  const [jobId = ''] = Object.keys(world.stored().rows);
  const again = { ...post({}), body: Buffer.alloc(0) };
  await after('it is redelivered', redeliver(again, { ...authorized, operation: 'redeliver', jobId }, world));
  const { create: _, ...studio } = world.modelStudio;
  await after(
    'another is running',
    submit(post({}, { traceparent: TRACEPARENT }), authorized, {
      ...world,
      modelStudio: { ...studio, create },
    }),
  );
  await after('another has finished', world.receive('poll'));
  await after('it is delivered again', world.receive('deliver'));
  const remove = world.documents.remove;
  world.documents.remove = (ref) => {
    note('it is being deleted');
    return remove(ref);
  };
  const bare = { ...again, method: 'DELETE' };
  await after('it is deleted', deleteJob(bare, { ...authorized, operation: 'delete', jobId }, world));
  return chapters;
}
