import { fault } from '../core/http/validation.ts';
import type { JobError } from '../core/job.ts';
import { TASK_MAX_BYTES, TASKS_MAX } from '../core/limits.ts';
import { DETAILS_MAX, detailsOf, readConversation } from '../core/parts/conversation.ts';
import { invalidInput, type LargeJob, pack, planKeyOf, tooManyParts } from '../core/parts/parts.ts';
import type { Parts } from '../core/parts/row.ts';
import { NotAnArray, type Piece, Scanner } from '../core/parts/scanner.ts';
import type { World } from '../ports.ts';

export type SplitWorld = Pick<World, 'sources' | 'documents'>;

/** The role may not list the objects, so what is not there is forbidden. */
const GONE = ['AccessDenied', 'NoSuchKey'];
const TOO_LARGE = `Must not be larger than ${TASK_MAX_BYTES / 1024 / 1024} MiB`;
/** Of a file with too many, more are read, so that most of what is wrong with it is said at once. */
const READ_MAX = 2 * TASKS_MAX;
const COUNT = `Must hold 1 to ${TASKS_MAX} conversations`;

/**
 * Reads all conversations once, and decides which part each belongs to; nothing of them is stored.
 * @returns what is wrong with them, before any has been given to ModelStudio
 */
export async function split(
  job: LargeJob,
  world: SplitWorld,
): Promise<{ parts: Parts; totalTasks: number } | JobError> {
  const read = await rangesIn(job, world);
  if ('code' in read) return read;
  const { ranges } = read;
  const totalTasks = ranges.length / 2;
  const tasks = Array.from({ length: totalTasks }, (_, task) => task);
  const bytesOf = (task: number) => (ranges[2 * task + 1] ?? 0) - (ranges[2 * task] ?? 0);
  const parts = pack(tasks, bytesOf, job.parts.limits);
  const tooMany = tooManyParts(parts.length, job.parts.retries);
  if (tooMany) return tooMany;
  const round = await savePlan(job, { parts, ranges }, world);
  return { parts: { ...job.parts, rounds: [round] }, totalTasks };
}

export async function savePlan(
  job: LargeJob,
  plan: { parts: number[][]; ranges?: number[] },
  { documents }: SplitWorld,
) {
  const key = planKeyOf(job, job.parts.rounds.length);
  return { plan: await documents.save(key, JSON.stringify(plan)), parts: plan.parts.length };
}

async function rangesIn(job: LargeJob, { sources }: SplitWorld): Promise<{ ranges: number[] } | JobError> {
  const { format } = job.parts;
  const scanner = new Scanner(format, TASK_MAX_BYTES);
  const ranges: number[] = [];
  const details: NonNullable<JobError['details']>[number][] = [];
  let count = 0;
  const take = (piece: Piece) => {
    if (++count <= TASKS_MAX) ranges.push(piece.from, piece.to);
    const whole =
      piece.bytes === null ? { faults: [fault([], TOO_LARGE)] } : readConversation(piece.bytes, format);
    if ('faults' in whole) details.push(...detailsOf(piece, format, whole.faults));
  };
  const isFull = () => details.length >= DETAILS_MAX || count >= READ_MAX;
  try {
    for await (const chunk of sources.stream(job)) {
      for (const piece of scanner.push(chunk)) if (!isFull()) take(piece);
      if (isFull()) break;
    }
    if (!isFull()) for (const piece of scanner.end()) take(piece);
  } catch (error) {
    // Its client may have deleted it between the submission and its row.
    const isGone = job.parts.upload && error instanceof Error && GONE.includes(error.name);
    if (isGone) return invalidInput([{ pointer: '', message: 'The upload was deleted before it was read' }]);
    if (!(error instanceof NotAnArray)) throw error;
    details.push({ pointer: '', message: `Must be a JSON array of conversations; ${error.message}` });
  }
  const isNone = count === 0 && details.length === 0;
  if (isNone || count > TASKS_MAX) details.unshift({ pointer: '', message: COUNT });
  return details.length > 0 ? invalidInput(details.slice(0, DETAILS_MAX)) : { ranges };
}
