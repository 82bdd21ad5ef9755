import type { DeletedJob } from '../core/job.ts';
import { erased } from '../core/retention.ts';
import type { World } from '../ports.ts';

/** Deletes what is still stored of a deleted job. Two workers that do so at once do no harm. */
export async function erase(
  job: DeletedJob,
  { jobs, documents, requests, clock }: Pick<World, 'jobs' | 'documents' | 'requests' | 'clock'>,
): Promise<void> {
  for (const ref of job.leftovers ?? []) await documents.remove(ref);
  await requests.remove(job);
  await jobs.replace(erased(job, clock.now()));
}
