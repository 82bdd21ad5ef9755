import type { Millis } from '../../../functions/core/job.ts';
import type { ApiRequest } from '../../../test/cloud/handlers.ts';
import type { Routed } from './request.ts';

/** One request, from when the gateway takes it until it is answered. */
export interface Visit {
  readonly request: ApiRequest;
  readonly requestId: string;
  readonly name: 'submit' | 'jobs';
  readonly routed: Routed;
  readonly startedAt: Millis;
  /** Whose key it has. */
  readonly client: string;
}
