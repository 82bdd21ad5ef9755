import type { InvocationMessage, WorkerMessage } from './worker.ts';

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

/** What runs a function's code in one environment of it. */
export interface Runtime {
  run(invocation: InvocationMessage): void;
  /** Ends it, whatever it waits for. */
  end(): void;
  exited: Promise<unknown>;
}

export interface RuntimeEvents {
  /** Reports that it is ready, or the outcome of the invocation. From then on, it takes the next one. */
  onMessage(message: WorkerMessage): void;
  onExit(reason: string): void;
}
