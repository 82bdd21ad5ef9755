import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey } from '../../../functions/core/http/client-key.ts';
import { runningJob } from '../../cloud/jobs.ts';

/** Who may submit jobs. */
export const CLIENT = newClientKey('my-app', ['jobs:write'], new Uint8Array(48).fill(7), 0);

/** AWS and ModelStudio as far as a poller needs them: any job runs, and every report on it is the same. */
export interface Cloud {
  url: string;
  /** Of the jobs whose rows were written: `completed`, or the code of what went wrong. */
  ends: string[];
  close(): void;
}

export async function startCloud(report: Buffer, tasks: number): Promise<Cloud> {
  const ends: string[] = [];
  const server: Server = createServer(async (request, response) => {
    // Who calls may have given up by now.
    const chunks: Buffer[] | null = await request.toArray().catch(() => null);
    if (chunks === null) return;
    if (request.url?.startsWith('/api/v1/')) return void response.end(report);
    const target = String(request.headers['x-amz-target'] ?? '');
    const asked = target === '' ? {} : JSON.parse(Buffer.concat(chunks).toString());
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end(JSON.stringify(answerOf(target, asked, tasks, ends)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, ends, close };
}

// biome-ignore lint/suspicious/noExplicitAny: it is what an SDK sends
function answerOf(target: string, asked: any, tasks: number, ends: string[]): object {
  switch (target.split('.').at(-1)) {
    case 'GetSecretValue':
      return { SecretString: 'key' };
    case 'GetItem':
      if (asked.TableName === 'client-keys') return { Item: marshall(CLIENT.record) };
      return asked.TableName === 'jobs' ? { Item: marshall(rowOf(asked.Key.jobId.S, tasks)) } : {};
    case 'PutItem':
      if (asked.TableName === 'jobs') ends.push(asked.Item.error?.M?.code.S ?? asked.Item.status.S);
      return {};
    case 'SendMessageBatch':
      return { Successful: asked.Entries.map(sent), Failed: [] };
    default:
      return {};
  }
}

/** The SDK compares what it has sent. */
function sent({ Id, MessageBody }: { Id: string; MessageBody: string }) {
  return { Id, MessageId: Id, MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex') };
}

function rowOf(jobId: string, totalTasks: number) {
  const now = Date.now();
  const expectedWakeUp = { seq: 1, token: 't', dueAt: now };
  const times = { createdAt: now, updatedAt: now, expiresAt: now + 3_600_000, wakeUpDeadline: now + 900_000 };
  // What is not as it should be at the end has been so for long enough.
  const doubt = { about: 'unreadable', since: 0 } as const;
  return {
    ...runningJob({ ...times, expectedWakeUp, doubt, totalTasks }),
    jobId,
    completedTasks: 0,
    ttl: Math.ceil(now / 1000) + 86_400,
  };
}
