import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { end } from '../../run.ts';

/** A webhook receiver, as those see it who send webhooks to it and those whose work it does. */
export interface Receiving {
  url: string;
  /** The jobs that it has worked on, in turn. */
  processed(): Promise<readonly string[]>;
  stop(): Promise<unknown>;
}

const READY_PATIENCE_MILLIS = 60_000;

/** Starts a receiver as a program of its own, which says its port, and then `type job_id` of each webhook. */
export async function startReceiving(
  program: string,
  args: string[],
  env: Record<string, string>,
): Promise<Receiving> {
  const child = spawn(program, args, { env: { ...process.env, PORT: '0', ...env } });
  const jobIds: string[] = [];
  let errors = '';
  const ready = Promise.withResolvers<string>();
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  createInterface(child.stdout).on('line', (line) => {
    const [, port] = /^Listening on port (\d+)$/.exec(line) ?? [];
    const [, jobId] = /^job\.\w+ (\S+)/.exec(line) ?? [];
    if (port) ready.resolve(port);
    if (jobId) jobIds.push(jobId);
  });
  const ended = once(child, 'close').then(([code]) => {
    throw new Error(`It ended with ${code} and did not say its port:\n${errors}`);
  });
  const deadline = setTimeout(() => child.kill('SIGKILL'), READY_PATIENCE_MILLIS);
  const port = await Promise.race([ready.promise, ended]).finally(() => clearTimeout(deadline));
  ended.catch(() => undefined);
  return {
    url: `http://127.0.0.1:${port}/webhooks/modelstudio`,
    processed: async () => jobIds,
    stop: () => end(child, 'SIGKILL'),
  };
}
