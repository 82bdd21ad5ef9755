import {
  type ClientRequest,
  type Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { HttpOutcome } from '../core/http/http-outcome.ts';
import { ADDRESS_BUDGET_MILLIS, type DialError, type DialOptions, dial } from './dial.ts';

const HEADERS_MAX_BYTES = 64 * 1024;

export interface ExchangeRequest extends DialOptions {
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  /** More of the answer's body than this is not read. */
  maxBytes: number;
  /** Reuses connections, and dials them without any address check; without it, each exchange has its own connection. */
  agent?: HttpAgent;
}

/** One HTTP exchange, without redirects, proxies or retries. Never throws and never outlasts its deadline, whatever the other side does. */
export function exchange(options: ExchangeRequest): Promise<HttpOutcome> {
  return run(options).catch(({ code = 'ERR_INVALID_REQUEST' }: NodeJS.ErrnoException) => {
    // Node refuses to send the request, for example because of a line break in a header.
    return { kind: 'not_connected', code };
  });
}

function run(options: ExchangeRequest): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    const dialling = new AbortController();
    const request = open(options, dialling.signal);
    const chunks: Buffer[] = [];
    let isConnected = false;
    let answer: IncomingMessage | null = null;
    let size = 0;

    const settle = (outcome: HttpOutcome) => {
      clearTimeout(deadline);
      resolve(outcome);
    };
    const stop = (outcome: HttpOutcome) => {
      settle(outcome);
      dialling.abort();
      request.destroy();
    };
    const answered = (response: IncomingMessage, isTruncated: boolean): HttpOutcome => ({
      kind: 'answered',
      status: response.statusCode ?? 0,
      headers: singleValues(response.headers),
      body: Buffer.concat(chunks),
      isTruncated,
    });
    const broken = (outcome: HttpOutcome) => {
      // Nothing that comes after a whole answer changes it: its 'end' is about to settle the promise.
      if (answer?.complete) return;
      // A refusal counts by its status line, even if its body breaks off; a success must be complete.
      const isRefusal = answer !== null && (answer.statusCode ?? 0) >= 400;
      stop(isRefusal ? answered(answer as IncomingMessage, true) : outcome);
    };
    const fail = ({ code, name, isTls }: DialError) => {
      const why = { code: code ?? name, ...(isTls && { isTls }) };
      broken({ kind: isConnected ? 'cut' : 'not_connected', ...why });
    };

    const deadline = setTimeout(() => broken({ kind: 'timeout', isConnected }), options.deadlineMillis);
    request.on('error', fail);
    request.on('socket', (socket) => {
      const connected = () => {
        isConnected = true;
      };
      if (!options.agent || request.reusedSocket) connected();
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
      // A server that answers before it has read everything may never read the rest and keep the connection open forever.
      response.on('end', () => (request.writableFinished ? settle : stop)(answered(response, false)));
      response.on('error', fail);
    });
    // No other protocol was requested.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      stop({ kind: 'cut', code: 'HPE_PAUSED_UPGRADE' });
    });
    request.on('close', () => broken({ kind: isConnected ? 'cut' : 'not_connected', code: 'ECONNRESET' }));
    request.end(options.body);
  });
}

function open(options: ExchangeRequest, signal: AbortSignal): ClientRequest {
  const { url, method, body, agent } = options;
  const isSecure = url.protocol === 'https:';
  const send = isSecure ? httpsRequest : httpRequest;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const message = { method, headers: { ...options.headers, ...length }, maxHeaderSize: HEADERS_MAX_BYTES };
  if (agent) {
    if (options.blockList) throw new Error('An agent dials by itself, past the guard');
    return send(url, { ...message, ...{ agent, autoSelectFamilyAttemptTimeout: ADDRESS_BUDGET_MILLIS } });
  }
  return send(url, {
    ...message,
    defaultPort: isSecure ? 443 : 80,
    createConnection(_options, done) {
      dial(options, signal).then((socket) => done(null, socket), done as (error: Error) => void);
      return undefined;
    },
  });
}

/** No other header is a list. */
function singleValues({ 'set-cookie': [first] = [], ...headers }: IncomingMessage['headers']) {
  return { ...headers, 'set-cookie': first } as Record<string, string | undefined>;
}
