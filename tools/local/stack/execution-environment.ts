import { startProcess } from './runtime/process.ts';
import type { FunctionSettings, Runtime, RuntimeEvents } from './runtime/runtime.ts';
import { startThread } from './runtime/thread.ts';
import type { InvocationFailure, WorkerMessage } from './runtime/worker.ts';

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
  /** `duringInit` if it never took an invocation, so that nobody knows of the failure yet. */
  onEnd(error: FunctionError, duringInit: boolean): void;
}

const INIT_TIMEOUT_SECONDS = 10;
/** Lambda's limit for the answer of a synchronous invocation: 6 MiB and 100 bytes. */
const RESPONSE_MAX_BYTES = 6 * 1024 * 1024 + 100;

/** A thread of this process, or, by `LAMBDA_RUNTIME=aws`, what runs the function in AWS. */
const startRuntime: (settings: FunctionSettings, events: RuntimeEvents) => Runtime =
  process.env['LAMBDA_RUNTIME'] === 'aws' ? startProcess : startThread;

/** One environment of a function: at most one invocation at a time. */
export class ExecutionEnvironment {
  readonly #settings: FunctionSettings;
  readonly #events: EnvironmentEvents;
  readonly #runtime: Runtime;
  #state: 'initializing' | 'idle' | 'busy' | 'ended' = 'initializing';
  #invocation: Invocation | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: FunctionSettings, events: EnvironmentEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#runtime = startRuntime(settings, {
      onMessage: (message) => this.#receive(message),
      onExit: (reason) => this.#fail('Runtime.ExitError', reason),
    });
    this.#limitTime(INIT_TIMEOUT_SECONDS, 'Init phase timed out');
  }

  get exited(): Promise<unknown> {
    return this.#runtime.exited;
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
    this.#runtime.run({ type: 'invocation', requestId, event, deadlineMs });
  }

  /** Ends the runtime, whatever it waits for. */
  end(reason: string): void {
    this.#finish({ errorType: 'Runtime.ExitError', errorMessage: `Error: ${reason}`, trace: [] });
  }

  #receive(message: WorkerMessage): void {
    if (this.#state === 'ended') return;
    clearTimeout(this.#timer);
    this.#state = 'idle';
    const invocation = this.#invocation;
    this.#invocation = undefined;
    const failure = failureIn(message);
    if (failure) {
      this.#log(invocation, failure);
      invocation?.reject(new FunctionError(failure));
    } else if (message.type === 'result') invocation?.resolve(JSON.parse(message.result));
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
    this.#runtime.end();
    this.#invocation?.reject(error);
    this.#events.onEnd(error, duringInit);
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

function failureIn(message: WorkerMessage): InvocationFailure | undefined {
  if (message.type === 'failure') return message.failure;
  const bytes = message.type === 'result' ? Buffer.byteLength(message.result) : 0;
  if (bytes <= RESPONSE_MAX_BYTES) return undefined;
  const errorMessage = `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${RESPONSE_MAX_BYTES} bytes).`;
  return { errorType: 'Function.ResponseSizeTooLarge', errorMessage, trace: [] };
}
