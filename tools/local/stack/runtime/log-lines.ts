import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { FunctionSettings } from './runtime.ts';

export function logLines(
  { stdout, stderr }: { stdout: Readable; stderr: Readable },
  { onLog }: Pick<FunctionSettings, 'onLog'>,
): void {
  for (const input of [stdout, stderr]) {
    createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLog);
  }
}
