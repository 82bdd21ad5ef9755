import { ApiError, ConnectionError, causesIn } from './errors.ts';

/** How long a call may take. */
export interface CallOptions {
  /** Ends the call at once, whatever it waits for: it then throws the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds after which the call is given up, its repeats included. By default that of the client. */
  deadlineMs?: number | undefined;
}

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 20_000;
/** However soon it may be repeated. */
const WAIT_MIN_MS = 100;
/** A longer one would be none. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Of a server's certificate. */
const FINAL_CODE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_SSL|ERR_TLS|ERR_INVALID/;
/** Of a port that no fetch calls; of a file that has changed since it was opened. */
const FINAL_FAULTS: unknown[] = ['bad port', 'NotReadableError'];

/**
 * @param retryAfter seconds, fractions too, or a date
 * @param date the header of the same answer, by whose clock a date counts
 * @returns milliseconds; null if it says nothing
 */
export function retryAfterMsIn(retryAfter: string | null, date: string | null): number | null {
  const text = retryAfter?.trim() ?? '';
  if (/^(\d+(\.\d*)?|\.\d+)$/.test(text)) return Number(text) * 1000;
  // One of HTTP's three forms of a date has no zone, and means GMT.
  const at = /[a-z]/i.test(text) ? Date.parse(/\d{4}$/.test(text) ? `${text} GMT` : text) : Number.NaN;
  const from = Date.parse(date ?? '');
  return Number.isNaN(at) ? null : Math.max(0, at - (Number.isNaN(from) ? Date.now() : from));
}

/** Whether the same call may succeed later. What the API has decided it will decide again. */
function mayPass(error: unknown): error is ApiError | ConnectionError {
  if (error instanceof ConnectionError)
    return !causesIn(error).some(({ name, message, code }) => {
      return FINAL_CODE.test(code) || FINAL_FAULTS.includes(message) || FINAL_FAULTS.includes(name);
    });
  if (!(error instanceof ApiError)) return false;
  const { status, code } = error;
  if (code === null) return [408, 429].includes(status) || (status >= 500 && ![501, 505].includes(status));
  return code === 'submission_in_progress' || status === 500 || status === 503;
}

/** Up to a half of it is left to chance, so that those who failed together do not come back together. */
function waitMs(attempts: number, retryAfterMs: number | null): number {
  const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempts - 1));
  if (retryAfterMs === null) return backoffMs * (0.5 + Math.random() / 2);
  return Math.max(WAIT_MIN_MS, retryAfterMs) * (1 + Math.random() / 10);
}

/**
 * Calls until it succeeds, fails for good, or the deadline would pass before the next try.
 * @param attempt is given the number of the attempt, from 1
 * @param deadlineAt of `performance.now()`: nobody sets that clock
 * @throws the error of the last attempt, or the signal's reason
 */
export async function repeat<T>(
  attempt: (attempts: number) => Promise<T>,
  deadlineAt: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted();
    try {
      return await attempt(attempts);
    } catch (error) {
      signal?.throwIfAborted();
      if (!mayPass(error)) throw error;
      const ms = waitMs(attempts, error instanceof ApiError ? error.retryAfterMs : null);
      if (performance.now() + ms >= deadlineAt) throw error;
      await sleep(ms, signal);
    }
  }
}

/** What is called when a signal ends: one listener serves all calls that share it, as Node warns of more than ten. */
const callbacksOf = new WeakMap<object, Set<() => void>>();

function callAll({ target }: { target: unknown }): void {
  for (const each of [...(callbacksOf.get(target as AbortSignal) ?? [])]) each();
}

/** @returns what takes it back */
function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = callbacksOf.get(signal) ?? new Set();
  callbacksOf.set(signal, callbacks.add(callback));
  signal.addEventListener('abort', callAll);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size === 0) signal.removeEventListener('abort', callAll);
  };
}

/** Leaves no timer and no listener behind. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      takeBack?.();
    };
    const giveUp = () => {
      end();
      reject(signal?.reason);
    };
    const takeBack = signal && onAbort(signal, giveUp);
    const timer = setTimeout(
      () => {
        end();
        resolve();
      },
      Math.min(ms, TIMER_MAX_MS),
    );
    if (signal?.aborted) giveUp();
  });
}

/** A signal of one exchange: it ends with its caller's, and when nothing has come for too long. */
export class Watch {
  readonly #controller = new AbortController();
  readonly #takeBack: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined) {
    const pass = () => this.#controller.abort(outer?.reason);
    this.#takeBack = outer && onAbort(outer, pass);
    if (outer?.aborted) pass();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** From now on, in place of what was said before. */
  allow(ms: number): void {
    this.rest();
    const sentence = `nothing came within ${Math.round(ms / 100) / 10} s`;
    const giveUp = () => this.#controller.abort(new DOMException(sentence, 'TimeoutError'));
    this.#timer = setTimeout(giveUp, Math.min(ms, TIMER_MAX_MS));
  }

  /** Nothing is waited for, until the next is allowed. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  /** Leaves no timer and no listener behind, and closes what is still open. */
  end(): void {
    this.rest();
    this.#takeBack?.();
    this.#controller.abort();
  }
}
