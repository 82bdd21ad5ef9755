import { ApiError, ConnectionError } from './errors.ts';
import { type ClientOptions, checkedKey, checkedUrl } from './options.ts';
import { type CallOptions, repeat, retryAfterMsIn, Watch } from './repeating.ts';
import type { Job, Problem } from './types.ts';

interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** A path of the API, or the URL of a store, which does not get the key. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array | Blob;
}

export interface Answer<T> {
  body: T;
  /** How often it was asked for. */
  attempts: number;
  status: number;
  retryAfterMs: number | null;
}

/** What is opened is to be closed by its reader, at its end or before. */
export interface Opened {
  response: Response;
  watch: Watch;
}

const DEADLINE_MS = 120_000;
/** The gateway answers within 30 s. */
const ANSWER_MS = 35_000;
const SAID_MAX_LENGTH = 300;

/** Calls the API, and the stores that it names. Whatever it throws does not hold the key. */
export class Connection {
  readonly #url: string;
  readonly #key: string;
  readonly #fetch: typeof globalThis.fetch;
  readonly deadlineMs: number;

  /** @throws a TypeError that says what is wrong with the URL, the key or fetch */
  constructor({ url, key, fetch, deadlineMs = DEADLINE_MS }: ClientOptions) {
    this.#url = checkedUrl(url);
    this.#key = checkedKey(key);
    if (typeof (fetch ?? globalThis.fetch) !== 'function')
      throw new TypeError('fetch must be a function: this runtime has none of its own, so give one');
    // The runtime's is looked up at each call, and called as nobody's member: some runtimes mind that.
    this.#fetch = (...args) => (fetch ?? globalThis.fetch)(...args);
    this.deadlineMs = deadlineMs;
  }

  /** @throws a TypeError if it is no number: the call would never end */
  deadlineAt({ deadlineMs = this.deadlineMs }: CallOptions): number {
    if (typeof deadlineMs !== 'number' || Number.isNaN(deadlineMs))
      throw new TypeError('deadlineMs must be a number of milliseconds');
    return performance.now() + deadlineMs;
  }

  /** The answer's JSON; undefined if it has no body. Calls again what may pass: only safe for what is. */
  json<T>(call: Call, options: CallOptions): Promise<Answer<T>> {
    const deadlineAt = this.deadlineAt(options);
    const headers = this.#headersOf(call);
    return repeat(
      async (attempts) => {
        const watch = new Watch(options.signal);
        try {
          const response = await this.#send({ ...call, headers }, attempts, watch, deadlineAt);
          const text = await bodyOf(response, call, attempts);
          const { status, retryAfterMs } = said(response);
          return { body: parsed(text, response, call, attempts) as T, attempts, status, retryAfterMs };
        } finally {
          watch.end();
        }
      },
      deadlineAt,
      options.signal,
    );
  }

  job(call: Call, options: CallOptions): Promise<Answer<Job>> {
    return this.object<Job>(call, options, 'a job', ['job_id', 'finished_at']);
  }

  /** The answer, if it has these members. */
  async object<T>(call: Call, options: CallOptions, what: string, members: (keyof T)[]): Promise<Answer<T>> {
    const answer = await this.json(call, options);
    return { ...answer, body: objectIn<T>(call, answer, what, members) };
  }

  /** An answer of any size: only its head has come. */
  open(call: Call, options: CallOptions): Promise<Opened> {
    const deadlineAt = this.deadlineAt(options);
    const headers = this.#headersOf(call);
    return repeat(
      async (attempts) => {
        const watch = new Watch(options.signal);
        try {
          return { response: await this.#send({ ...call, headers }, attempts, watch, deadlineAt), watch };
        } catch (error) {
          watch.end();
          throw error;
        }
      },
      deadlineAt,
      options.signal,
    );
  }

  /** Made once, before the first attempt: a header that is none is its caller's fault and no lost connection. */
  #headersOf({ path, headers, body }: Call): Headers {
    const isJson = path.startsWith('/') && typeof body === 'string';
    return new Headers({
      ...(path.startsWith('/') && { authorization: `Bearer ${this.#key}` }),
      ...(isJson && { 'content-type': 'application/json' }),
      ...headers,
    });
  }

  async #send(
    call: Omit<Call, 'headers'> & { headers: Headers },
    attempts: number,
    watch: Watch,
    deadlineAt: number,
  ): Promise<Response> {
    const { path, method, headers, body } = call;
    // A file may take long to send, and nobody can see how far it is.
    const leftMs = Math.max(1, deadlineAt - performance.now());
    watch.allow(method === 'PUT' ? leftMs : Math.min(ANSWER_MS, leftMs));
    const url = path.startsWith('/') ? this.#url + path : path;
    const sent = body as RequestInit['body'];
    const init = { method, headers, signal: watch.signal, redirect: 'manual' as const };
    // What is thrown before there is a promise is a fault of the function's own, and no lost connection.
    const answering = Promise.resolve(this.#fetch(url, sent ? { ...init, body: sent } : init));
    const response = await answering.catch((error) => {
      throw new ConnectionError(
        attempted(call, attempts),
        watch.signal.aborted ? watch.signal.reason : error,
      );
    });
    if (response.ok) return response;
    const text = await bodyOf(response, call, attempts);
    throw new ApiError(attempted(call, attempts), said(response), this.#refusalIn(text, response));
  }

  #refusalIn(text: string, response: Response): Problem | string {
    const json = jsonIn(text);
    if (isProblem(json)) return json;
    const message = (json as { message?: unknown } | undefined)?.message;
    const sentence = typeof message === 'string' ? message : text.replace(/\s+/g, ' ').trim();
    const location = response.headers.get('location');
    const where = location ? ` to ${withoutQuery(location)}` : '';
    const shown = sentence.replaceAll(this.#key, 'msj_…').slice(0, SAID_MAX_LENGTH);
    return `${shown || response.statusText || 'no body'}${where}`;
  }
}

/** @throws an `ApiError` if it is no object, or lacks one of these members: something else than the API has answered */
export function objectIn<T>(
  call: Call,
  { body, attempts, status }: Pick<Answer<unknown>, 'body' | 'attempts' | 'status'>,
  what: string,
  members: (keyof T)[],
): T {
  if (typeof body === 'object' && body !== null && members.every((name) => name in body)) return body as T;
  const nothing = { status, retryAfterMs: null, requestId: null };
  throw new ApiError(attempted(call, attempts), nothing, `with what is not ${what}: is the URL right?`);
}

const attempted = ({ method, path }: Pick<Call, 'method' | 'path'>, attempts: number) => ({
  what: `${method} ${withoutQuery(path)}`,
  attempts,
});

/** What follows is a signature, in the link to a store. */
const withoutQuery = (url: string) => url.replace(/\?.*/s, '');

function said({ status, headers }: Response) {
  const retryAfterMs = retryAfterMsIn(headers.get('retry-after'), headers.get('date'));
  return { status, retryAfterMs, requestId: headers.get('apigw-requestid') };
}

async function bodyOf(
  response: Response,
  call: Pick<Call, 'method' | 'path'>,
  attempts: number,
): Promise<string> {
  return response.text().catch((error) => {
    throw new ConnectionError(attempted(call, attempts), error);
  });
}

function parsed(
  text: string,
  response: Response,
  call: Pick<Call, 'method' | 'path'>,
  attempts: number,
): unknown {
  if (text === '') return undefined;
  const value = jsonIn(text);
  if (value !== undefined) return value;
  const type = response.headers.get('content-type') ?? 'no content type';
  throw new ApiError(
    attempted(call, attempts),
    said(response),
    `with ${type}, which is not JSON: is the URL right?`,
  );
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is Problem {
  const { code, detail } = (value ?? {}) as Partial<Problem>;
  return typeof code === 'string' && typeof detail === 'string';
}
