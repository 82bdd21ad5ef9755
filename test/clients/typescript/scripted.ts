import { ModelStudioJobsClient } from '../../../clients/typescript/index.ts';

export const KEY = 'msj_id_secret';
export const URL_OF_API = 'https://jobs.example.com';

export interface Seen {
  method: string;
  url: string;
  headers: Headers;
  body: unknown;
  signal: AbortSignal;
  /** Milliseconds of the clock. */
  at: number;
}

/** Status, body and headers; an error that fetch throws; or never. */
export type Reply =
  | [status: number, body?: unknown, headers?: Record<string, string>]
  | Error
  | 'never'
  | Made;
type Made = (seen: Seen) => Response;

/** A fetch that answers what it is told in turn, the last reply again and again. */
export function scripted(...replies: Reply[]) {
  const seen: Seen[] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    const { method = '', body, signal } = init;
    const call = {
      method,
      url,
      headers: new Headers(init.headers),
      body,
      signal: signal as AbortSignal,
      at: Date.now(),
    };
    seen.push(call);
    const reply = replies[Math.min(seen.length, replies.length) - 1] as Reply;
    if (typeof reply === 'function') return reply(call);
    if (reply === 'never') return new Promise((_, reject) => untilAborted(call.signal, reject));
    if (reply instanceof Error) throw reply;
    const [status, answer, headers] = reply;
    const text = typeof answer === 'string' || answer === undefined ? answer : JSON.stringify(answer);
    return new Response(status === 204 ? null : text, { status, ...(headers && { headers }) });
  }) as unknown as typeof globalThis.fetch;
  const client = new ModelStudioJobsClient({ url: URL_OF_API, key: KEY, fetch });
  return { client, fetch, seen };
}

function untilAborted(signal: AbortSignal, reject: (reason: unknown) => void): void {
  if (signal.aborted) reject(signal.reason);
  signal.addEventListener('abort', () => reject(signal.reason));
}

export const job = (fields: object = {}) => ({
  job_id: 'job_1',
  status: 'running',
  total_tasks: 1,
  completed_tasks: 0,
  failed_tasks: 0,
  finished_at: null,
  results: null,
  error: null,
  ...fields,
});

export const finished = (fields: object = {}) =>
  job({ status: 'completed', finished_at: '2026-01-01T00:00:00.000Z', results: [], ...fields });

export const problem = (status: number, code: string, more: object = {}) => ({
  type: 'urn:x',
  title: 'X',
  status,
  detail: 'A sentence.',
  code,
  request_id: 'req-1',
  ...more,
});

export const lost = () =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  });

export const REQUEST = { model_id: 'm', messages: [[{ role: 'user' as const, content: 'Hello' }]] };

/** Whose connection is lost after this text. */
export const cut =
  (text: string, type = 'application/json') =>
  () => {
    const pull = (out: ReadableStreamDefaultController<Uint8Array>) => out.error(new TypeError('terminated'));
    const start = (out: ReadableStreamDefaultController<Uint8Array>) =>
      out.enqueue(new TextEncoder().encode(text));
    return new Response(new ReadableStream({ start, pull }), { headers: { 'content-type': type } });
  };
