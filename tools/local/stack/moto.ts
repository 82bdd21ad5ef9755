import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as ask, createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { absenceRefusal, type Sessions } from './aws/authority.ts';
import { queueOrObject, readCall } from './aws/call.ts';
import { dynamodbRefusal } from './aws/dynamodb-rules.ts';
import type { Cloud } from './aws/front.ts';
import { sendRefusal } from './aws/refusal.ts';
import { objectRefusal } from './aws/s3-rules.ts';
import { sqsRefusal } from './aws/sqs-rules.ts';
import { ACCOUNT_ID, REGION } from './identities.ts';

const PROGRAM = fileURLToPath(new URL('serve_moto.py', import.meta.url));

/** moto, a second opinion on what AWS does. It needs Python and moto's server. */
export async function startMoto(sessions: Sessions): Promise<Cloud> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moto-'));
  const socketPath = path.join(folder, 'socket');
  const env = { ...process.env, MOTO_ACCOUNT_ID: ACCOUNT_ID, AWS_DEFAULT_REGION: REGION };
  const child = spawn('python3', [PROGRAM, socketPath], { env });
  const closed = once(child, 'close');
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const isThere = await Promise.race([
    once(createInterface(child.stdout), 'line').then(() => true),
    closed.then(() => false),
  ]);
  if (!isThere) throw new Error(`moto did not start:\n${log}`);
  const server = handOnTo(socketPath, sessions);
  return {
    tables: { serviceOf: () => 'dynamodb', refuse: dynamodbRefusal, server },
    queuesAndBuckets: {
      serviceOf: queueOrObject,
      refuse: (call) => (call.service === 'sqs' ? sqsRefusal(call) : undefined),
      server,
    },
    close: async () => {
      child.stdin.end();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function handOnTo(socketPath: string, sessions: Sessions): Server {
  return createServer((request, response) => {
    const { method, url, headers } = request;
    const hand = async () => {
      const body = headers['x-amz-checksum-sha256'] ? await buffer(request) : null;
      // moto believes what is said of an object.
      const wrong = body && objectRefusal(headers, body, () => false);
      if (wrong) return sendRefusal(response, { service: 's3', method: method ?? '' }, wrong);
      const onward = ask({ socketPath, method, path: url, headers });
      // A client that no longer waits for a message gets none.
      response.on('close', () => onward.destroy());
      const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
      await Promise.all([answered, pipeline(body ? Readable.from([body]) : request, onward)]);
      const [answer] = await answered;
      const call = readCall(queueOrObject(request), request, '');
      const refusal = answer.statusCode === 404 ? absenceRefusal(call, sessions) : undefined;
      if (refusal) return sendRefusal(response, call, refusal);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      await pipeline(answer, response);
    };
    hand().catch(() => response.destroy());
  });
}
