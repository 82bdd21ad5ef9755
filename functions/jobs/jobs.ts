import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import type { Authorized } from '../http/authorize.ts';
import { okJson } from '../http/show.ts';
import type { CancelWorld } from './cancel.ts';
import { type DeleteWorld, deleteJob } from './delete.ts';
import type { ListWorld } from './list.ts';
import { read } from './read.ts';
import type { RedeliveriesWorld } from './redeliver.ts';
import type { UploadsWorld } from './uploads.ts';

export type JobsWorld = CancelWorld &
  DeleteWorld &
  ListWorld &
  RedeliveriesWorld &
  UploadsWorld & { openApi(): Promise<{ default: object }> };

/** Answers every call except the one that creates a job. */
export function answer(request: Request, authorized: Authorized, world: JobsWorld): Promise<Answer> {
  return answerTo(request, authorized, world).catch(async (error: unknown) => {
    const { operation, jobId } = authorized;
    // If it was deleted while it was being read, its documents are missing.
    const row = operation === 'delete' || jobId === '' ? null : await world.jobs.findRow(jobId);
    if (row?.status === 'deleted') return problem('not_found', request.requestId);
    throw error;
  });
}

/** What reads a body or a query loads zod, for which the cold start of any other call would wait 3 ms. */
async function answerTo(request: Request, authorized: Authorized, world: JobsWorld): Promise<Answer> {
  switch (authorized.operation) {
    case 'health':
      return okJson('{"status":"ok"}');
    case 'openapi':
      return okJson(JSON.stringify((await world.openApi()).default));
    case 'list':
      return (await import('./list.ts')).list(request, authorized, world);
    case 'cancel':
      return (await import('./cancel.ts')).cancel(request, authorized, world);
    case 'redeliver':
      return (await import('./redeliver.ts')).redeliver(request, authorized, world);
    case 'redeliveries':
      return (await import('./redeliver.ts')).redeliverMany(request, authorized, world);
    case 'delete':
      return deleteJob(request, authorized, world);
    case 'upload':
      return (await import('./uploads.ts')).createUpload(request, authorized, world);
    case 'deleteUpload':
      return (await import('./uploads.ts')).deleteUpload(request, authorized, world);
    case 'job':
    case 'results':
    case 'deliveries':
      return read(request, authorized, world);
    // The gateway sends this elsewhere, unless its path is spelled in some odd way.
    case 'submit':
      return problem('not_found', request.requestId);
  }
}
