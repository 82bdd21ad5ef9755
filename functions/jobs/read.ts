import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { deliveriesJson, retryAfter } from '../core/http/view.ts';
import { isFinished } from '../core/job.ts';
import { linesIn } from '../core/parts/merging.ts';
import { endOfLife, linesKeyOf } from '../core/retention.ts';
import type { Authorized } from '../http/authorize.ts';
import { findOwn, okJson, type ReadWorld, resultsInEvent, showJob } from '../http/show.ts';

const LINK_SECONDS = 900;
const JSON_LINES = /\bapplication\/(jsonl|x-ndjson)\b/i;

function okLines(array: string): Answer {
  const headers = { 'content-type': 'application/jsonl', 'cache-control': 'no-store' };
  return { status: 200, headers, body: [...linesIn(array)].join('') };
}

type KeptWorld = ReadWorld & { settings: { retentionDays: number } };

/**
 * `GET /v1/jobs/{job_id}` and the paths below it. Of a job that has been kept for as long as the setting says today, the documents are
 * gone, even if its row was written when that was longer.
 */
export async function read(request: Request, call: Authorized, world: KeptWorld): Promise<Answer> {
  const job = await findOwn(call, world);
  const isKept = job && endOfLife(job, world.settings.retentionDays) * 1000 > world.clock.now();
  if (!isKept) return problem('not_found', request.requestId);
  if (call.operation === 'job') return showJob(job, world);
  if (call.operation === 'deliveries') return okJson(deliveriesJson(job.webhook));
  if (!isFinished(job))
    return problem('not_finished', request.requestId, { headers: retryAfter(job, world.clock.now()) });
  const isByLine = JSON_LINES.test(request.headers['accept'] ?? '');
  if (job.results === null || job.results === 'in-event') {
    const array = job.results ? resultsInEvent(await world.documents.load(job.event)) : '[]';
    return isByLine ? okLines(array) : okJson(array);
  }
  const { results } = job;
  if (isByLine && results.isShort) return okLines(await world.documents.load(results));
  const isInLines = isByLine && results.hasLines;
  const document = isInLines ? { ...results, key: linesKeyOf(results.key) } : results;
  const second = Math.floor(world.clock.now() / 1000);
  const location = await world.documents.link(document, LINK_SECONDS);
  if (/(^|&)redirect=false(&|$)/i.test(request.query)) {
    const expires_at = new Date((second + LINK_SECONDS) * 1000).toISOString();
    return okJson(JSON.stringify({ url: location, expires_at }));
  }
  return { status: 307, headers: { location, 'cache-control': 'no-store' }, body: '' };
}
