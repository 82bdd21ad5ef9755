import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { made } from './project.ts';

const FOLDER = join(made, 'local');
const ANSWER_DEADLINE_MILLIS = 5000;

/** What an operator's command needs to know about a system on this machine, which that system writes down. */
export interface Running {
  apiUrl: string;
  stackName: string;
  /** Of a client that may do everything. */
  clientKey: string;
  endpoints: Record<'dynamodb' | 'events' | 'secretsmanager' | 'sqs', string>;
  /** What a client of any of them is made with. */
  access: { region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  outputs: Record<string, string>;
  /** Of queues and tables: URLs and names by logical id. */
  resources: Record<string, string>;
  modelStudio: { baseUrl: string; organizationId: string; modelIds: string[] };
}

/** Where a system says so, by the port of its API. */
export const fileOf = (port: string | number) => join(FOLDER, `${port}.json`);

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
