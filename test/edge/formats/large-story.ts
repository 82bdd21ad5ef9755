import { asked, objectKeyOf, type Upload } from '../../../functions/core/uploads.ts';
import type { CreateResult } from '../../../functions/core/upstream/create-result.ts';
import type { Report } from '../../../functions/core/upstream/report.ts';
import { sweep } from '../../../functions/sweep/sweep.ts';
import { QUEUES } from '../../cloud/cloud.ts';
import { postJob } from '../../flows/post.ts';
import { nothingStored, type Stored, storedWorld } from './stored-world.ts';

const MINUTE = 60_000;
const TEXTS = ['one', 'two', 'three', 'four', 'five'];

/** A world in which two conversations make a large job, and a ModelStudio that knows its jobs by their ids alone. */
export function largeWorld(before: Stored) {
  const partLimits = { conversations: 2, bytes: 100_000 };
  const destinations = [{ name: 'warehouse', clients: ['acme'] }];
  const exchanges = [{ kind: 'answered', status: 204, retryAfterSeconds: null } as const];
  const settings = { queueForSeconds: 36_000, partLimits, destinations };
  const world = storedWorld(before, { exchanges }, settings);
  const studio = Object.assign(world.modelStudio, {
    isBusy: false,
    async create({ messages }: { messages: unknown[] }): Promise<CreateResult> {
      if (studio.isBusy) return { kind: 'unavailable', retryAfterSeconds: null };
      return { kind: 'created', upstreamJobId: `up-${messages.length}` };
    },
    async report({ upstreamJobId }: { upstreamJobId: string }): Promise<Report> {
      const indexes = [...Array(Number(upstreamJobId.slice('up-'.length))).keys()];
      const tasks = indexes.map((task_index) => ({ task_index, status: 'completed', result: 'hello' }));
      const results = { json: JSON.stringify(tasks), failedTasks: 0, missing: 0, surplus: 0 };
      return { kind: 'completed', results };
    },
  });
  const changes = Object.values(before.rows).map(({ updatedAt }) => Number(updatedAt?.N ?? 0));
  world.clock.time = Math.max(world.clock.time, ...changes);
  return { ...world, studio };
}

type World = ReturnType<typeof largeWorld>;

/** A minute later, receives a message of each queue that has one. @returns of which */
async function receiveEach(world: World): Promise<string[]> {
  world.clock.time += MINUTE;
  const full = QUEUES.filter((name) => world.cloud.queues[name].messages.size > 0);
  for (const queue of full) await world.receive(queue);
  return full;
}

/** Receives what comes, until nothing comes and the sweeper finds nothing to do. */
export async function carryOn(
  world: World,
  onMessages: (queues: string[]) => void = () => undefined,
): Promise<void> {
  for (let rests = 0; rests < 2; ) {
    const queues = await receiveEach(world);
    if (queues.length > 0) onMessages(queues);
    else await sweep(world);
    rests = queues.length > 0 ? 0 : rests + 1;
  }
}

/**
 * A small job that is queued and has a destination, and a large one whose conversations are in an upload: from their
 * submission to their end, with whatever this release stores of them on the way.
 */
export async function tellLargeStory(): Promise<Record<string, Stored>> {
  const chapters: Record<string, Stored> = {};
  const world = largeWorld(nothingStored());
  const note = (chapter: string) => {
    chapters[`${Object.keys(chapters).length + 1}: ${chapter}`] = world.stored();
  };
  const file = TEXTS.map((content) => JSON.stringify([{ role: 'user', content }])).join('\n');
  const ask = { uploadId: 'up_1', bytes: Buffer.byteLength(file), format: 'jsonl' } as const;
  const row = asked(await world.uploads.find('acme'), ask, world.clock.time);
  if ('fullUntil' in row) throw new Error('There is no room');
  await world.uploads.replace(row);
  world.cloud.objects.set(objectKeyOf(row.uploads['up_1'] as Upload), file);
  note('a file lies there');
  world.studio.isBusy = true;
  await postJob(world, { destination: 'warehouse', metadata: { order: '17' } });
  note('a job is queued');
  const from = { messages: undefined, messages_from: 'up_1', task_retries: 1 };
  await postJob(world, { ...from, webhook_url: 'https://hooks.example.com/h' });
  note('a large job is submitted');
  await receiveEach(world);
  note('ModelStudio still takes none');
  world.studio.isBusy = false;
  await carryOn(world, (queues) => note(`it goes on with ${queues.join(' and ')}`));
  return chapters;
}
