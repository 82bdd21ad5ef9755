import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { ExecutionEnvironment, FunctionError, type Invocation } from './execution-environment.ts';
import type { FunctionSettings } from './runtime/runtime.ts';

/** Lambda's limit for the event of a synchronous invocation. */
const EVENT_MAX_BYTES = 6 * 1024 * 1024;
/** More of them would only take each other's time, while the first that is ready could do the work of the others. */
const INITIALIZING_MAX = availableParallelism();

/** A function as Lambda runs it: as many environments as there are simultaneous invocations, started a few at a time, kept warm. */
export class LambdaFunction {
  readonly settings: FunctionSettings;
  readonly #environments = new Set<ExecutionEnvironment>();
  readonly #waiting: Invocation[] = [];
  readonly #ending = new Set<Promise<unknown>>();
  readonly #unanswered = new Set<Promise<unknown>>();
  #closed = false;

  constructor(settings: FunctionSettings) {
    this.settings = settings;
  }

  /** Rejects with a `FunctionError` when the function throws, times out, crashes or is killed. */
  invoke(event: unknown): Promise<unknown> {
    const json = JSON.stringify(event);
    const bytes = Buffer.byteLength(json);
    if (bytes > EVENT_MAX_BYTES) {
      const errorMessage = `Request must be smaller than ${EVENT_MAX_BYTES} bytes for the InvokeFunction operation`;
      return Promise.reject(refusal('RequestEntityTooLargeException', errorMessage));
    }
    if (this.#closed) return Promise.reject(refusal('ServiceException', 'The local stack is closed'));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ requestId: randomUUID(), event: json, resolve, reject });
    const answered = () => this.#unanswered.delete(promise);
    this.#unanswered.add(promise);
    promise.then(answered, answered);
    this.#dispatch();
    return promise;
  }

  /** Starts the first environment before it is needed. */
  warm(): void {
    if (this.#environments.size === 0 && !this.#closed) this.#start();
  }

  get environmentCount(): number {
    return this.#environments.size;
  }

  get busyCount(): number {
    return [...this.#environments].filter((environment) => environment.isBusy).length;
  }

  /** Ends every environment that is in the middle of an invocation, and says how many those were. */
  kill(): number {
    const busy = [...this.#environments].filter((environment) => environment.isBusy);
    for (const environment of busy) environment.end('Runtime exited with error: signal: killed');
    return busy.length;
  }

  /** Closes it once every invocation so far has its answer. */
  async retire(): Promise<void> {
    await Promise.allSettled(this.#unanswered);
    await this.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const invocation of this.#waiting.splice(0)) {
      invocation.reject(refusal('ServiceException', 'The local stack is closed'));
    }
    for (const environment of this.#environments) environment.end('The local stack is closed');
    await Promise.all(this.#ending);
  }

  #dispatch(): void {
    for (const environment of this.#environments) {
      if (!environment.isIdle) continue;
      const invocation = this.#waiting.shift();
      if (!invocation) return;
      environment.run(invocation);
    }
    const initializing = [...this.#environments].filter((environment) => environment.isInitializing).length;
    const missing = Math.min(this.#waiting.length, INITIALIZING_MAX) - initializing;
    const room = this.settings.maxConcurrency - this.#environments.size;
    for (let started = 0; started < Math.min(missing, room); started += 1) this.#start();
  }

  #start(): void {
    const environment = new ExecutionEnvironment(this.settings, {
      onIdle: () => this.#dispatch(),
      onEnd: (error, duringInit) => {
        this.#environments.delete(environment);
        this.#trackEnding(environment);
        if (duringInit) this.#waiting.shift()?.reject(error);
        if (!this.#closed) this.#dispatch();
      },
    });
    this.#environments.add(environment);
  }

  #trackEnding(environment: ExecutionEnvironment): void {
    const ending: Promise<unknown> = environment.exited.then(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }
}

function refusal(errorType: string, errorMessage: string): FunctionError {
  return new FunctionError({ errorType, errorMessage, trace: [] });
}
