import {
  type ClientRequest,
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type BlockList, connect, type LookupFunction, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls';
import type { Outcome } from '../core/outcome.ts';

export interface ExchangeRequest {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** For the whole exchange, from the look-up of the name to the last byte of the answer. */
  deadlineMillis: number;
  /** More of the answer's body than this is not read. */
  maxBytes: number;
  /** Reuses connections; without one, each exchange has a connection of its own. */
  agent?: HttpAgent;
  lookup?: LookupFunction;
  blockList?: BlockList;
}

/**
 * One HTTP exchange: no redirect is followed, no proxy variable is read, nothing is retried.
 * Never throws and never outlasts its deadline, whatever the other side does.
 */
export async function exchange(options: ExchangeRequest): Promise<Outcome> {
  try {
    return await run(options, open(options));
  } catch (error) {
    // Node refuses to send it: a header with a line break in it, for one.
    return { kind: 'not_connected', code: (error as NodeJS.ErrnoException).code ?? 'ERR_INVALID_REQUEST' };
  }
}

function run(options: ExchangeRequest, request: ClientRequest): Promise<Outcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let isConnected = false;
    let answer: IncomingMessage | null = null;
    let size = 0;

    const settle = (outcome: Outcome) => {
      clearTimeout(deadline);
      resolve(outcome);
    };
    const stop = (outcome: Outcome) => {
      settle(outcome);
      request.destroy();
    };
    const answered = (response: IncomingMessage, isTruncated: boolean): Outcome => ({
      kind: 'answered',
      status: response.statusCode ?? 0,
      headers: firstValues(response),
      body: Buffer.concat(chunks),
      isTruncated,
    });
    // A refusal is one by its status line, whatever becomes of its body; a success must be whole.
    const broken = (outcome: Outcome) => {
      const isRefusal = answer !== null && (answer.statusCode ?? 0) >= 400;
      stop(isRefusal ? answered(answer as IncomingMessage, true) : outcome);
    };
    const fail = (error: NodeJS.ErrnoException) => {
      const code = error.code ?? error.name;
      broken(isConnected ? { kind: 'cut', code } : { kind: 'not_connected', code });
    };

    const deadline = setTimeout(() => broken({ kind: 'timeout', isConnected }), options.deadlineMillis);
    request.on('error', fail);
    request.on('socket', (socket) => {
      const connected = () => {
        isConnected = true;
      };
      if (request.reusedSocket) connected();
      else socket.once(options.url.protocol === 'https:' ? 'secureConnect' : 'connect', connected);
    });
    request.on('response', (response) => {
      answer = response;
      response.on('data', (chunk: Buffer) => {
        const room = options.maxBytes - size;
        size += chunk.length;
        chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
        if (size > options.maxBytes) stop(answered(response, true));
      });
      response.on('end', () => settle(answered(response, false)));
      response.on('error', fail);
    });
    request.on('close', () => {
      const wasCut = answer === null || !answer.complete;
      if (wasCut) broken({ kind: isConnected ? 'cut' : 'not_connected', code: 'ECONNRESET' });
    });
    request.end(options.body);
  });
}

function open({ url, method, headers, body, agent, lookup, blockList }: ExchangeRequest): ClientRequest {
  const isSecure = url.protocol === 'https:';
  const send = isSecure ? httpsRequest : httpRequest;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const ownAgent = isSecure && blockList ? new GuardedAgent() : false;
  // `lookup` and `blockList` are options of net.connect(), to which the request's options are handed on.
  const connection = { agent: agent ?? ownAgent, ...(lookup && { lookup }), ...(blockList && { blockList }) };
  return send(url, { method, headers: { ...headers, ...length }, ...connection });
}

/** A TLS socket of Node does not look at `blockList`; the TCP socket that it stands on does. */
class GuardedAgent extends HttpsAgent {
  override createConnection(options: ConnectionOptions & TcpNetConnectOpts) {
    const { host, port, lookup, blockList } = options;
    const socket = connect({ host, port, lookup, blockList } as TcpNetConnectOpts);
    return connectSecurely({ ...options, socket });
  }
}

function firstValues(response: IncomingMessage): Record<string, string | undefined> {
  const entries = Object.entries(response.headers).map(([name, value]) => [name, [value].flat()[0]]);
  return Object.fromEntries(entries);
}
