import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { marshall } from '@aws-sdk/util-dynamodb';
import { GATE_ID } from '../../../functions/core/queue/gate.ts';
import type { Item } from '../../../test/cloud/expressions.ts';
import type { RecordedCall } from './replay.ts';
import {
  durationStats,
  GENERATION,
  gate,
  HOOK_PATH,
  idOf,
  KEY,
  PHASES,
  type Phase,
  RESULTS,
  rowsOf,
  waiting,
} from './rows.ts';

/**
 * AWS, ModelStudio and a receiver in a process of their own: each answers at once, and always the same. What comes between
 * POST and GET /recording is kept: it is answered late, so that calls which do not wait for each other are seen to.
 */
const RECORDING_MILLIS = 30;
const ROWS_MILLIS = 10_000;
const BUCKET_PATH = '/bucket/';

const server = createServer((request, response) => void answer(request).then((text) => response.end(text)));
const requestsOf = new WeakMap<Socket, number>();
const stats = durationStats();
const kept = new Map<string, { rows: ReturnType<typeof rowsOf>; until: number }>();
let recording: RecordedCall[][] | null = null;
let open = 0;

/** Of all operations together. */
interface Input {
  TableName: string;
  Key: Item;
  IndexName?: string;
  Entries: { Id: string; MessageBody: string }[];
  SecretId: string;
}

async function answer(request: IncomingMessage): Promise<string> {
  const { method = '', url = '', socket, headers } = request;
  const isReused = requestsOf.has(socket);
  requestsOf.set(socket, 1);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  if (url === '/recording') {
    const recorded = recording ?? [];
    recording = method === 'POST' ? [] : null;
    return JSON.stringify(recorded);
  }
  const target = headers['x-amz-target'];
  const isAws = typeof target === 'string';
  const isOfBucket = url.startsWith(BUCKET_PATH);
  if (recording) {
    if (open === 0) recording.push([]);
    const { host, connection, ...sent } = headers as Record<string, string>;
    const other = isOfBucket
      ? { target: `S3.${method}`, body: url }
      : { method, path: url, headers: sent, body, isReused };
    recording.at(-1)?.push(isAws ? { target, body } : other);
    open += 1;
    await new Promise((resolve) => setTimeout(resolve, RECORDING_MILLIS));
    open -= 1;
  }
  if (isAws) return JSON.stringify(serve(target.slice(target.indexOf('.') + 1), JSON.parse(body)));
  if (isOfBucket) return method === 'GET' ? JSON.stringify(GENERATION) : '';
  return url === HOOK_PATH ? '' : ask(method, url.slice(url.lastIndexOf('/') + 1));
}

function serve(operation: string, input: Input): object {
  switch (operation) {
    case 'GetItem':
      return { Item: rowIn(input.TableName, Object.values(input.Key)[0]?.S ?? '') };
    case 'UpdateItem':
      return { Attributes: input.TableName === 'jobs' ? gate() : stats };
    case 'Query':
      return { Items: input.IndexName === 'queue' ? waiting(Date.now()) : [] };
    case 'SendMessageBatch':
      return {
        Successful: input.Entries.map(sent),
        Failed: [],
      };
    case 'GetSecretValue': {
      const SecretString = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
      return { ARN: input.SecretId, Name: input.SecretId, VersionId: 'v', SecretString };
    }
    default:
      return {};
  }
}

const sent = ({ Id, MessageBody }: Input['Entries'][number]) => ({
  Id,
  MessageId: '5fea7756-0ea4-451a-a703-a558b933e274',
  MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
});

function rowIn(table: string, key: string): object | undefined {
  if (table === 'client-keys') return key === KEY.record.sha256 ? marshall(KEY.record) : undefined;
  if (table === 'durationStats') return key === 'backpressure' ? undefined : stats;
  if (key === GATE_ID) return gate();
  const { job, document } = rowsFor(key.split('/').at(-2) ?? key);
  return table === 'jobs'
    ? job
    : {
        ...document,
        deflated: { B: document['deflated']?.B && Buffer.from(document['deflated'].B).toString('base64') },
      };
}

/** Made anew from time to time, so that a job is always as old. */
function rowsFor(jobId: string) {
  const found = kept.get(jobId);
  if (found && found.until > Date.now()) return found.rows;
  const rows = rowsOf(phaseOf(jobId), jobId, base(), Date.now());
  kept.set(jobId, { rows, until: Date.now() + ROWS_MILLIS });
  return rows;
}

function phaseOf(jobId: string): Phase {
  return PHASES.find((phase) => jobId.startsWith(idOf(phase, 0).slice(0, 20))) ?? 'running';
}

function ask(method: string, job_id: string): string {
  if (method === 'POST')
    return JSON.stringify({
      job_id: idOf('running', 0),
      status: 'CREATED',
      message: 'Job created successfully',
    });
  const isDone = phaseOf(job_id) !== 'running';
  const head = JSON.stringify({ job_id, job_status: isDone ? 'completed' : 'created', total_tasks: 1 });
  return `${head.slice(0, -1)},"completed_tasks":${isDone ? 1 : 0},"results":${isDone ? RESULTS : '[]'}}`;
}

const base = () => `http://localhost:${(server.address() as AddressInfo).port}`;

server.keepAliveTimeout = 600_000;
server.listen(0, () => process.send?.(base()));
process.on('disconnect', () => process.exit());
