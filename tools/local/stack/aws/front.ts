import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { authorityRefusal, type Sessions } from './authority.ts';
import { type Call, type CallRequest, readCall, type Service } from './call.ts';
import { type Refusal, sendRefusal } from './refusal.ts';
import { linkRefusal } from './s3-rules.ts';

/** Something that plays services of AWS, more kindly than they are. */
export interface Emulator {
  serviceOf(request: CallRequest): Service;
  /** What AWS refuses and the emulator does not. */
  refuse?(call: Call): Refusal | undefined | Promise<Refusal | undefined>;
  /** Is handed requests, and never listens. */
  server: Server;
}

/** What plays DynamoDB, and SQS and S3 at one address. */
export interface Cloud {
  tables: Emulator;
  queuesAndBuckets: Emulator;
  close(): Promise<void>;
}

/** Longer than a client keeps an idle connection, so that none is reused while it is being closed. */
const KEEP_ALIVE_MILLIS = 75_000;

/** Answers as the emulator does, but for what AWS would refuse. */
export function frontOf(emulator: Emulator, sessions: Sessions): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MILLIS }, (request, response) => {
    answer(request, response, emulator, sessions).catch(() => {
      // It makes no sense, or breaks off, as that of a killed worker does.
      if (!response.headersSent) response.writeHead(400).end();
    });
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { serviceOf, refuse, server }: Emulator,
  sessions: Sessions,
): Promise<void> {
  const service = serviceOf(request);
  // An object may be large, and nothing depends on what is in it.
  const isObject = service === 's3' && request.method === 'PUT';
  const body = isObject ? null : await buffer(request);
  const call = readCall(service, request, body?.toString() ?? '');
  const refusal =
    authorityRefusal(call, sessions, Date.now()) ??
    linkRefusal(request, call, sessions) ??
    (await refuse?.(call));
  if (refusal) {
    // Whoever still sends an object would not see the answer.
    request.resume();
    return sendRefusal(response, call, refusal);
  }
  server.emit('request', body ? readAgain(request, body) : request, response);
}

/** The same request, for one more reader. */
function readAgain(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers, httpVersion, socket } = request;
  const again = Object.assign(new IncomingMessage(socket), { method, url, httpVersion, complete: true });
  // dynalite takes it for the leave to answer every page.
  const { origin: _, ...others } = headers;
  again.headers = others;
  again.push(body);
  again.push(null);
  return again;
}
