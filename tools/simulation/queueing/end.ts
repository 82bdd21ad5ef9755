import { GATE_ID } from '../../../functions/core/queue/gate.ts';
import { must } from '../judge.ts';
import type { Apps } from './apps.ts';
import type { QueueSystem } from './system.ts';

const SUBMISSIONS_MAX = 3;

/** What must have become of each job, and of each app, when all has settled. */
export function judgeEndOfRun(system: QueueSystem, { wishes }: Apps, isCalm: boolean): void {
  const { sim, receivers, cloud, upstream, settings } = system;
  for (const { jobId, status, webhook, metadata, submissions } of system.jobs.values()) {
    const marker = metadata['marker'] ?? '';
    must(
      status !== 'queued' && status !== 'submitting' && status !== 'running',
      'I1',
      () => `${jobId} is ${status}`,
    );
    const isTold = webhook?.status === 'delivered' || (!isCalm && webhook?.status === 'exhausted');
    must(isTold, 'I2', () => `the webhook of ${jobId} is ${webhook?.status}`);
    must(isTold !== isCalm || receivers.received.has(webhook?.id ?? ''), 'I2', () => `${jobId} is not told`);
    const creates = upstream
      .of(marker)
      .filter(({ outcome }) => outcome === 'created' || outcome === 'unknown');
    const isCounted =
      submissions === undefined || (submissions >= creates.length && submissions <= SUBMISSIONS_MAX);
    must(isCounted, 'I4', () => `${jobId}: ${submissions} submissions, ${creates.length} creates`);
  }
  for (const { marker, jobId, status, isInDoubt, key } of wishes) {
    const rows = [...system.jobs.values()].filter(({ metadata }) => metadata['marker'] === marker);
    if (jobId !== null) must(system.jobs.has(jobId), 'I1', () => `${marker} was accepted and is gone`);
    if (isInDoubt || jobId !== null || status === null || status === 409) continue;
    const isKept = rows.length > 0 && status !== 504;
    must(!isKept, 'I5', () => `${marker} was refused with ${status}, and is ${rows[0]?.status} (${key})`);
  }
  const left = system.messagesOf('create').length;
  must(left === 0, 'I12', () => `${left} messages are left in the queue's chain at ${sim.now}`);
  const isUsed = [...upstream.asked].some(({ outcome }) => outcome !== 'created');
  if (isUsed || !isCalm || settings.jobsAtOnce !== null) return;
  const rows = cloud.tables.jobs.keys.filter((each) => each === GATE_ID || each.startsWith('turn/'));
  const costs = rows.length + system.passes.length + (cloud.meter.counts['s3.puts'] ?? 0);
  must(costs === 0, 'I24', () => 'jobs that were taken at once cost something');
}
