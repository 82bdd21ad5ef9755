import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Upstream } from './flags.ts';
import type { Endpoints } from './stack/emulators.ts';
import type { LocalStack } from './stack/stack.ts';
import { readSynthesizedStack } from './stack/template.ts';
import type { System } from './system.ts';

const FOLDER = fileURLToPath(new URL('../../dist/local', import.meta.url));
const ANSWER_DEADLINE_MILLIS = 5000;

/** What an operator's command needs to know of a system that runs on this machine. */
export interface Running {
  apiUrl: string;
  /** Of a client that may do everything. */
  clientKey: string;
  endpoints: Endpoints;
  outputs: Record<string, string>;
  /** URLs by logical id. */
  queues: Record<string, string>;
  modelStudio: Omit<Upstream, 'apiKey'>;
}

const fileOf = (port: string | number) => join(FOLDER, `${port}.json`);

/**
 * Lets commands find a system by the port of its API.
 * @returns what takes it back, to be called before another system can have the port
 */
export function announce(
  { stack, upstream, keys }: Pick<System, 'stack' | 'upstream' | 'keys'>,
  templateFile: string,
): () => void {
  const { apiUrl, endpoints, outputs } = stack;
  const { baseUrl, organizationId, modelIds } = upstream;
  const modelStudio = { baseUrl, organizationId, modelIds };
  const clientKey = keys.clientKeys[0];
  const queues = queuesOf(stack, templateFile);
  const running: Running = { apiUrl, clientKey, endpoints, outputs, queues, modelStudio };
  const file = fileOf(new URL(apiUrl).port);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

function queuesOf(stack: LocalStack, templateFile: string): Record<string, string> {
  const resources = Object.entries(readSynthesizedStack(templateFile).template.Resources);
  const queueIds = resources.filter(([, { Type }]) => Type === 'AWS::SQS::Queue').map(([id]) => id);
  return Object.fromEntries(queueIds.map((id) => [id, String(stack.resolve(id))]));
}

/** Null when no system that was started from this folder has that port. */
export async function findRunning(port: number): Promise<Running | null> {
  const file = fileOf(port);
  try {
    const running = JSON.parse(await readFile(file, 'utf8')) as Running;
    // On a port of chance, unlike the API's, which some other program may have taken over.
    await fetch(running.endpoints.dynamodb, { signal: AbortSignal.timeout(ANSWER_DEADLINE_MILLIS) });
    return running;
  } catch (error) {
    // It was killed, and left its file behind.
    if (((error as Error).cause as NodeJS.ErrnoException)?.code === 'ECONNREFUSED')
      await rm(file, { force: true });
    return null;
  }
}
