import { enableCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import type { EnvironmentMessage, InvocationFailure, WorkerMessage } from './worker.ts';

export interface FunctionSettings {
  name: string;
  timeoutSeconds: number;
  memoryMegabytes: number;
  /** More simultaneous invocations than this wait for each other. */
  maxConcurrency: number;
  /** All of it; `LAMBDA_TASK_ROOT` and `_HANDLER` in it say which code to run. */
  environment: Record<string, string>;
  onLog(line: string): void;
}

export interface Invocation {
  requestId: string;
  event: string;
  resolve(result: unknown): void;
  reject(error: FunctionError): void;
}

/** The function failed; what it was called for may be tried again. */
export class FunctionError extends Error {
  readonly failure: InvocationFailure;

  constructor(failure: InvocationFailure) {
    super(failure.errorMessage);
    this.name = failure.errorType;
    this.failure = failure;
  }
}

export interface EnvironmentEvents {
  onIdle(): void;
  /** `duringInit` when it never took an invocation, so that nobody has been told of the failure. */
  onEnd(error: FunctionError, duringInit: boolean): void;
}

const INIT_TIMEOUT_SECONDS = 10;
/** As long as a thread may be held up by other work before it counts as one that computes without end. */
const ENDING_GRACE_MS = 500;

/** Without it, every thread would strip the types of worker.ts again, which is half of its start. */
const { directory: NODE_COMPILE_CACHE } = enableCompileCache();

/** One environment of a function: one thread, at most one invocation at a time. */
export class ExecutionEnvironment {
  readonly #settings: FunctionSettings;
  readonly #events: EnvironmentEvents;
  readonly #worker: Worker;
  readonly exited: Promise<unknown>;
  #state: 'initializing' | 'idle' | 'busy' | 'ended' = 'initializing';
  #invocation: Invocation | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: FunctionSettings, events: EnvironmentEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      env: { ...settings.environment, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) },
      execArgv: [],
      name: settings.name,
      resourceLimits: { maxOldGenerationSizeMb: settings.memoryMegabytes },
      stdout: true,
      stderr: true,
    });
    for (const input of [this.#worker.stdout, this.#worker.stderr]) {
      createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on('line', settings.onLog);
    }
    this.#worker.on('message', (message: WorkerMessage) => this.#receive(message));
    this.#worker.on('error', (error) => this.#fail('Runtime.ExitError', describe(error)));
    this.#worker.on('exit', (code) =>
      this.#fail('Runtime.ExitError', `Runtime exited with error: exit status ${code}`),
    );
    this.exited = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#limitTime(INIT_TIMEOUT_SECONDS, 'Init phase timed out');
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  get isInitializing(): boolean {
    return this.#state === 'initializing';
  }

  get isBusy(): boolean {
    return this.#state === 'busy';
  }

  run(invocation: Invocation): void {
    const { timeoutSeconds } = this.#settings;
    this.#state = 'busy';
    this.#invocation = invocation;
    this.#limitTime(timeoutSeconds, 'Task timed out');
    const { requestId, event } = invocation;
    const deadlineMs = Date.now() + timeoutSeconds * 1000;
    this.#post({ type: 'invocation', requestId, event, deadlineMs });
  }

  /** Ends the thread, whatever it waits for. */
  end(reason: string): void {
    this.#finish({ errorType: 'Runtime.ExitError', errorMessage: `Error: ${reason}`, trace: [] });
  }

  #receive(message: WorkerMessage): void {
    if (this.#state === 'ended') return;
    clearTimeout(this.#timer);
    this.#state = 'idle';
    const invocation = this.#invocation;
    this.#invocation = undefined;
    if (message.type === 'result') invocation?.resolve(JSON.parse(message.result));
    if (message.type === 'failure') {
      this.#log(invocation, message.failure);
      invocation?.reject(new FunctionError(message.failure));
    }
    this.#events.onIdle();
  }

  #limitTime(seconds: number, sentence: string): void {
    this.#timer = setTimeout(
      () => this.#fail('Sandbox.Timedout', `${sentence} after ${seconds.toFixed(2)} seconds`),
      seconds * 1000,
    );
  }

  #fail(errorType: string, reason: string): void {
    if (this.#state === 'ended') return;
    const prefix = this.#invocation ? `RequestId: ${this.#invocation.requestId} ` : '';
    const failure = { errorType, errorMessage: `${prefix}Error: ${reason}`, trace: [] };
    this.#log(this.#invocation, failure);
    this.#finish(failure);
  }

  #finish(failure: InvocationFailure): void {
    const duringInit = this.isInitializing;
    const error = new FunctionError(failure);
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.#endThread();
    this.#invocation?.reject(error);
    this.#events.onEnd(error, duringInit);
  }

  /** Asks first: a thread that is terminated while it opens a zlib stream aborts the whole process (nodejs/node). */
  #endThread(): void {
    this.#post({ type: 'end' });
    const timer = setTimeout(() => void this.#worker.terminate(), ENDING_GRACE_MS);
    void this.exited.then(() => clearTimeout(timer));
  }

  #post(message: EnvironmentMessage): void {
    this.#worker.postMessage(message);
  }

  #log(invocation: Invocation | undefined, failure: InvocationFailure): void {
    this.#settings.onLog(
      [
        new Date().toISOString(),
        invocation?.requestId ?? '-',
        'ERROR',
        'Invoke Error',
        JSON.stringify(failure),
      ].join('\t'),
    );
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
