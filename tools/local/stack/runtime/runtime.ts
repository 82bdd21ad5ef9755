import type { FunctionSettings } from '../execution-environment.ts';
import { startProcess } from './process.ts';
import { startThread } from './thread.ts';
import type { InvocationMessage, WorkerMessage } from './worker.ts';

/** What runs a function's code in one environment of it. */
export interface Runtime {
  run(invocation: InvocationMessage): void;
  /** Ends it, whatever it waits for. */
  end(): void;
  exited: Promise<unknown>;
}

export interface RuntimeEvents {
  /** That it is ready, or what came of the invocation. It takes the next one from then on. */
  onMessage(message: WorkerMessage): void;
  onExit(reason: string): void;
}

/** A thread of this process, or, by `LAMBDA_RUNTIME=aws`, what runs the function in AWS. */
export const startRuntime: (settings: FunctionSettings, events: RuntimeEvents) => Runtime =
  process.env['LAMBDA_RUNTIME'] === 'aws' ? startProcess : startThread;
