import { spawnSync } from 'node:child_process';
import { environment } from './environment.ts';

/** Loads a bundle as Lambda's runtime does, and ends whatever it began. */
const LOAD = `
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
const { handler } = require(process.argv[1]);
const millis = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);
if (handler === undefined) throw new Error('There is no handler');
require('node:fs').writeSync(1, JSON.stringify({ millis, cpuMillis: (user + system) / 1000 }));
process.exit(0);`;

export interface Start {
  file: string;
  /** Beside what the handlers need. */
  variables?: Record<string, string>;
}

/** Milliseconds from `require` to the handler. */
export interface Took {
  millis: number;
  cpuMillis: number;
}

export function startOnce({ file, variables }: Start): Took {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--eval', LOAD, file], {
    env: { ...environment, ...variables },
    encoding: 'utf8',
  });
  // The end of it: an error's first line quotes the whole bundle.
  if (status !== 0) throw new Error(`The bundle ${file} does not start: ${stderr.slice(-1000)}`);
  return JSON.parse(stdout) as Took;
}
