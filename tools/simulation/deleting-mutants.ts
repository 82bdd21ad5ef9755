// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from './load.ts';

/** Bugs by which something is left of a deleted job, or many webhooks are redelivered otherwise than promised. */
export const DELETING_MUTANTS: Mutant[] = [
  {
    name: 'a deletion leaves the documents to the sweeper',
    file: 'jobs/delete.ts',
    find: '    await erase(tombstone, world);\n',
    replace: '    void erase;\n',
    seed: 28,
  },
  {
    name: 'a deletion that was broken off is never finished',
    file: 'core/polling/overdue.ts',
    find: 'return job.leftovers ? job.updatedAt + LEFT_MILLIS : null;',
    replace: 'return null;',
    seed: 71,
  },
  {
    name: 'a deletion is called finished before it is',
    file: 'finish/erase.ts',
    find: '  for (const ref of job.leftovers ?? []) await documents.remove(ref);\n',
    replace: '  for (const ref of job.leftovers?.slice(1) ?? []) await documents.remove(ref);\n',
    seed: 28,
  },
  {
    name: 'a job is deleted while its webhook is being delivered',
    file: 'jobs/delete.ts',
    find: '    if (isPending(job)) {',
    replace: "    if (isPending(job) && job.jobId === '') {",
    seed: 71,
  },
  {
    name: 'a deleted job keeps what its client said',
    file: 'core/retention.ts',
    find: '  return { ...kept, ...ties, status',
    replace: '  return { ...job, ...kept, ...ties, status',
    seed: 28,
  },
  {
    name: 'the key of a deleted job finds it in progress',
    file: 'submit/submit.ts',
    find: "  if (existing.status === 'deleted') return problem('job_deleted', request.requestId);\n",
    replace: "  if (existing.status === 'deleted') return inProgress;\n",
    seed: 28,
  },
  {
    name: 'a deleted job is read like any other',
    file: 'edge/jobs-table.ts',
    find: "(row?.status === 'deleted' ? null : row);",
    replace: 'row as Job | null;',
    seed: 28,
  },
  {
    name: 'many webhooks are redelivered at once',
    file: 'jobs/redeliver.ts',
    find: 'dueAt ??= await world.pacer.next(`${may.client}/${host}`, GAP_MILLIS);',
    replace: 'dueAt ??= world.clock.now() + 0 * GAP_MILLIS * host.length;',
    seed: 5,
  },
  {
    name: 'redeliveries begin with the first moment again',
    file: 'edge/pacer-table.ts',
    find: 'await rows.nextNumber(`pace/${name}`, Math.floor(now / gapMillis), ttl)',
    replace: '(await rows.nextNumber(`pace/${name}`, 0, ttl)) + Math.floor(now / gapMillis)',
    seed: 5,
  },
  {
    name: 'webhooks are redelivered that have ended otherwise',
    file: 'jobs/redeliver.ts',
    find: '  const asked = readBody(request, RedeliveriesBody);\n',
    replace:
      "  const read = readBody(request, RedeliveriesBody);\n  const asked = 'status' in read ? read : { ...read, webhook_status: 'exhausted' };\n",
    seed: 74,
  },
];
