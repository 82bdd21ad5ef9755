import { enableCompileCache } from 'node:module';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { logLines } from './log-lines.ts';
import type { FunctionSettings, Runtime, RuntimeEvents } from './runtime.ts';
import type { EnvironmentMessage } from './worker.ts';

/** As long as a thread may be held up by other work before it counts as one that computes without end. */
const ENDING_GRACE_MS = 500;

/** Without it, every thread would strip the types of worker.ts again, which is half of its start. */
const { directory: NODE_COMPILE_CACHE } = enableCompileCache();

export function startThread(settings: FunctionSettings, events: RuntimeEvents): Runtime {
  // In the published package, it is JavaScript as this file is.
  const worker = new Worker(new URL(`./worker${extname(import.meta.url)}`, import.meta.url), {
    env: { ...settings.environment, ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }) },
    execArgv: [],
    name: settings.name,
    resourceLimits: { maxOldGenerationSizeMb: settings.memoryMegabytes },
    stdout: true,
    stderr: true,
  });
  logLines(worker, settings);
  worker.on('message', events.onMessage);
  worker.on('error', (error) => events.onExit(describe(error)));
  worker.on('exit', (code) => events.onExit(`Runtime exited with error: exit status ${code}`));
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  const post = (message: EnvironmentMessage) => worker.postMessage(message);
  return {
    exited,
    run: post,
    // Asks first: a thread that is terminated while it opens a zlib stream aborts the whole process (nodejs/node).
    end() {
      post({ type: 'end' });
      const timer = setTimeout(() => void worker.terminate(), ENDING_GRACE_MS);
      void exited.then(() => clearTimeout(timer));
    },
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
