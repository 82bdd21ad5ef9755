import { type LargeJob, NOT_BEGUN, OF_PARTS } from '../../functions/core/parts/parts.ts';
import type { Parts } from '../../functions/core/parts/row.ts';
import { runningJob } from '../cloud/jobs.ts';

/** In its first round. */
export function largeJob(count: number, changes: Partial<Parts>): LargeJob {
  const rounds = [{ plan: { store: 'table', key: 'plan' } as const, parts: count }];
  const asked = { format: 'json', temperature: '0', maxTokens: 1, retries: 0 } as const;
  const limits = { conversations: 1, bytes: 100 };
  const parts = { ...NOT_BEGUN, ...asked, limits, rounds, ...changes };
  return { ...runningJob({ jobId: 'job_1', upstreamJobId: OF_PARTS }), parts };
}
