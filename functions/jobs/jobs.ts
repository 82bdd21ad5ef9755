import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import type { Authorized } from '../http/authorize.ts';
import { okJson } from '../http/show.ts';
import { type CancelWorld, cancel } from './cancel.ts';
import { type ListWorld, list } from './list.ts';
import { read } from './read.ts';
import { type RedeliverWorld, redeliver } from './redeliver.ts';

export type JobsWorld = CancelWorld & ListWorld & RedeliverWorld & { openApi: unknown };

/** Answers every call except the one that creates a job. */
export async function answer(request: Request, authorized: Authorized, world: JobsWorld): Promise<Answer> {
  switch (authorized.operation) {
    case 'health':
      return okJson('{"status":"ok"}');
    case 'openapi':
      return okJson(JSON.stringify(world.openApi));
    case 'list':
      return list(request, authorized, world);
    case 'cancel':
      return cancel(request, authorized, world);
    case 'redeliver':
      return redeliver(request, authorized, world);
    case 'job':
    case 'results':
    case 'deliveries':
      return read(request, authorized, world);
    // The gateway sends this elsewhere, unless its path is spelled in some odd way.
    case 'submit':
      return problem('not_found', request.requestId);
  }
}
