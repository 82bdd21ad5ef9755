import { must } from '../judge.ts';
import type { Said } from './answer.ts';
import type { Model } from './model.ts';
import { queryOf } from './request.ts';
import { shows } from './view.ts';
import type { Visit } from './visit.ts';

const LIMIT_DEFAULT = 20;
const NAMES = ['status', 'webhook_status', 'created_after', 'created_before', 'limit', 'cursor'];
const WEBHOOK_STATUSES = ['pending', 'delivered', 'exhausted', 'gone', 'blocked'];
const STATUSES = ['submitting', 'running', 'completed', 'failed', 'cancelled', 'expired'];

// biome-ignore lint/suspicious/noExplicitAny: it is whatever has been answered
type Shown = any;

/** One page of a client's jobs. That none is missing is judged by those who read them to the end. */
export function judgeList(visit: Visit, said: Said, door: Model) {
  const { request, client } = visit;
  const query = queryOf(request);
  if (!isQuery(query))
    return must(said.code === 'invalid_request', 'I10', () => `${request.path} answers ${said.status}`);
  must(said.status === 200, 'I10', () => `${request.path} answers ${said.text}`);
  if (request.method === 'HEAD') return;
  const jobs: Shown[] = said.json.jobs;
  const limit = Number(query.get('limit') ?? LIMIT_DEFAULT);
  must(jobs.length <= limit, 'I10', () => `${request.path} has ${jobs.length} jobs`);
  const isGiven = String(Object.keys(said.json)) === 'jobs,next_cursor';
  must(isGiven && said.retryAfter === null, 'I10', () => `a list has the members ${Object.keys(said.json)}`);
  const after = Date.parse(query.get('created_after') ?? '') || Number.NEGATIVE_INFINITY;
  const before = Date.parse(query.get('created_before') ?? '') || Number.POSITIVE_INFINITY;
  let last = Number.POSITIVE_INFINITY;
  for (const job of jobs) {
    const createdAt = Date.parse(job.created_at);
    must(createdAt <= last, 'I7', () => `${request.path} is not sorted: ${job.job_id}`);
    last = createdAt;
    must(
      createdAt > after && createdAt < before,
      'I7',
      () => `${request.path} has ${job.job_id}, of ${job.created_at}`,
    );
    const status = query.get('status') ?? job.status;
    must(job.status === status, 'I7', () => `${request.path} has ${job.job_id}, which is ${job.status}`);
    const webhookStatus = query.get('webhook_status') ?? job.webhook?.status;
    must(job.webhook?.status === webhookStatus, 'I7', () => `${request.path} has ${job.job_id}`);
    const isReal = door.ownSince(job.job_id, visit).some((row) => row !== null && shows(job, row, 'in-list'));
    must(isReal && job.results === null, 'I7', () => `${client} is shown ${job.job_id} as it never was`);
  }
  const next = said.json.next_cursor;
  // DynamoDB may leave all of a page unread.
  const isOn = jobs.length === 0 || next !== query.get('cursor');
  must(next === null || (typeof next === 'string' && isOn), 'I7', () => `${request.path} goes on at ${next}`);
}

function isQuery(query: URLSearchParams): boolean {
  const limit = query.get('limit') ?? '1';
  const isKnown = [...query.keys()].every((name) => NAMES.includes(name));
  const isStatus = STATUSES.includes(query.get('status') ?? 'running');
  const isWebhookStatus = WEBHOOK_STATUSES.includes(query.get('webhook_status') ?? 'pending');
  return isKnown && isStatus && isWebhookStatus && /^([1-9]\d?|100)$/.test(limit);
}
