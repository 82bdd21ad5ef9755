import { readConversation } from '../core/parts/conversation.ts';
import { type LargeJob, type Plan, partIdOf, partOf } from '../core/parts/parts.ts';
import { joinQueue } from '../create/enqueue.ts';
import { isOver } from '../finish/finish.ts';
import type { World } from '../ports.ts';

export type BeginWorld = Pick<
  World,
  'jobs' | 'requests' | 'sources' | 'queue' | 'wakeUps' | 'clock' | 'random'
>;

/**
 * Puts a part into the queue: first its request is stored and the queue is awake, then its row says so. Two workers that do so write
 * the same, and one of them inserts the row.
 */
export async function beginPart(
  job: LargeJob,
  part: number,
  { parts }: Plan,
  ranges: readonly number[],
  world: BeginWorld,
): Promise<void> {
  const round = job.parts.rounds.length - 1;
  const jobId = partIdOf(job, round, part);
  if ((await world.jobs.findRow(jobId)) !== null) return;
  const tasks = parts[part] ?? [];
  const { format, temperature, maxTokens } = job.parts;
  const texts = await world.sources.read(
    job,
    tasks.map((task) => [ranges[2 * task] ?? 0, ranges[2 * task + 1] ?? 0]),
  );
  const messages = texts.map((bytes) => {
    const conversation = readConversation(bytes, format);
    if ('faults' in conversation) throw new Error(`A conversation of ${job.jobId} is no longer valid`);
    return conversation;
  });
  const generation = {
    model_id: job.modelId,
    messages,
    temperature: Number(temperature),
    max_tokens: maxTokens,
  };
  const stored = { jobId, createdAt: job.createdAt };
  await world.requests.save(stored, generation);
  const turn = await joinQueue(job.client, 0, world);
  const row = partOf(job, jobId, tasks, turn, world.clock.now());
  const isOversized = texts.some(({ length }) => length > job.parts.limits.bytes);
  const queueing = isOversized ? { ...row.queueing, isOversized } : row.queueing;
  await world.jobs.insert({ ...row, queueing });
  // Whoever erased all parts when the job ended may have come too early for this one.
  if (await isOver(job.jobId, world)) await world.requests.remove(stored);
}
