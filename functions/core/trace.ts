import type { Request } from './http/request-answer.ts';
import { sha256Hex } from './ids.ts';
import type { JobBase } from './job.ts';

/** What a job's row keeps of its trace, and its messages, for when there is no row. */
export type Traced = Pick<JobBase, 'jobId' | 'trace'> &
  Partial<Pick<JobBase, 'client' | 'version' | 'partOf'>>;

/** https://www.w3.org/TR/trace-context: versions after 00 may add members, and there is no version ff. */
const TRACEPARENT =
  /^[ \t]*(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-[^,]*)?[ \t]*$/;
/** Sampled and random; the others have no meaning yet and must not be passed on. */
const KNOWN_FLAGS = 3;

const STATE_MAX_CHARACTERS = 512;
const STATE_MEMBERS_MAX = 32;
const STATE_MEMBER = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/** What a job keeps of its submission's headers. What is malformed is ignored, and so is the state without a parent. */
export function traceIn(
  headers: Request['headers'],
  keepsState: boolean,
): Pick<JobBase, 'trace' | 'tracestate'> {
  const [, version, traceId, flags = '', more] = TRACEPARENT.exec(headers['traceparent'] ?? '') ?? [];
  if (traceId === undefined || (version === '00' && more !== undefined)) return {};
  const tracestate = keepsState && stateIn(headers['tracestate'] ?? '');
  const trace = `${traceId}-0${Number.parseInt(flags, 16) & KNOWN_FLAGS}`;
  return { trace, ...(tracestate && { tracestate }) };
}

function stateIn(header: string): string | null {
  const members = header.split(',').flatMap((member) => member.trim() || []);
  const keys = new Set(members.map((member) => member.split('=')[0]));
  const areValid = members.every((member) => STATE_MEMBER.test(member)) && keys.size === members.length;
  const isShort = header.length <= STATE_MAX_CHARACTERS && members.length <= STATE_MEMBERS_MAX;
  return areValid && isShort ? members.join(',') : null;
}

/** Without one of the submission, a job has one of its own that nobody needs to store. It is sampled: each step is logged. */
export function traceOf({ jobId, trace }: Traced): string {
  return trace ?? `${sha256Hex(jobId).slice(0, 32)}-01`;
}

const traceIdOf = (of: Traced) => traceOf(of).slice(0, 32);

/** Of a request, whether or not there is a job. */
export function requestTraceId({ headers, requestId }: Request): string {
  return traceIdOf({ jobId: requestId, ...traceIn(headers, false) });
}

/** A release that knows of no traces sends messages without one. */
export function inTraceOf<M extends Traced>(job: Traced | null, message: M): M {
  return job ? { ...message, trace: job.trace } : message;
}

/** Who a line of the log is about. */
export function aboutJob({ client, partOf, ...of }: Traced) {
  const ids = { job_id: of.jobId, trace_id: traceIdOf(of), ...(partOf && { part_of: partOf }) };
  return { ...ids, ...(client && { client }) };
}

/** The header of a call that is made for a job at this time: its trace, and a parent id of the call's own. */
export function traceparentOf(job: Traced, now: number): string {
  const [traceId, flags] = traceOf(job).split('-');
  const parentId = sha256Hex(`${job.jobId} ${job.version} ${now}`).slice(0, 16);
  return `00-${traceId}-${parentId}-${flags}`;
}
