import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { closeServer, listenLocally } from '../http/server.ts';
import { type HttpResponse, splitTarget, toEvent, toResponse } from './http-event.ts';
import type { RouteTable } from './routes.ts';

export interface Integration {
  timeoutMs: number;
  invoke(event: unknown): Promise<unknown>;
}

const BODY_MAX_BYTES = 10 * 1024 * 1024;
/** API Gateway's limit for the request line and all headers together. */
const HEADERS_MAX_BYTES = 10_240;
/** Longer than a client keeps an idle connection, so that none is reused while it is being closed. */
const KEEP_ALIVE_MS = 75_000;

/** An HTTP API of API Gateway: everything it answers itself is `{"message": …}`. */
export class Gateway {
  readonly #server: Server;
  #api: { id: string; routes: RouteTable<Integration> } | undefined;

  constructor() {
    this.#server = createServer({ maxHeaderSize: HEADERS_MAX_BYTES }, (request, response) => {
      void this.#answer(request)
        .catch(() => gatewayAnswer(500, 'Internal Server Error'))
        .then((answer) => send(request, response, answer));
    });
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const isTooLarge = error.code === 'HPE_HEADER_OVERFLOW';
      const status = isTooLarge ? '431 Request Header Fields Too Large' : '400 Bad Request';
      socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
        socket.destroy(),
      );
    });
  }

  /** Answers 503 until it is given something to serve. */
  listen(port: number): Promise<string> {
    return listenLocally(this.#server, port);
  }

  serve(id: string, routes: RouteTable<Integration>): void {
    this.#api = { id, routes };
  }

  close(): Promise<void> {
    return closeServer(this.#server);
  }

  async #answer(message: IncomingMessage): Promise<HttpResponse> {
    const body = await readBody(message);
    if (body === 'too large') return gatewayAnswer(413, 'Request Entity Too Large');
    if (!this.#api) return gatewayAnswer(503, 'Service Unavailable');
    const method = message.method ?? '';
    const target = splitTarget(message.url ?? '/');
    const route = this.#api.routes.match(method, target.rawPath);
    if (!route) return gatewayAnswer(404, 'Not Found');
    return integrate(route.target, toEvent({ method, ...target, message, body }, route, this.#api.id));
  }
}

async function integrate({ invoke, timeoutMs }: Integration, event: unknown): Promise<HttpResponse> {
  const timedOut = Promise.withResolvers<HttpResponse>();
  const timer = setTimeout(() => timedOut.resolve(gatewayAnswer(503, 'Service Unavailable')), timeoutMs);
  const answered = invoke(event)
    .then(toResponse)
    .catch((error: Error) =>
      error.name === 'RequestEntityTooLargeException'
        ? gatewayAnswer(413, 'Request Entity Too Large')
        : gatewayAnswer(500, 'Internal Server Error'),
    );
  return Promise.race([answered, timedOut.promise]).finally(() => clearTimeout(timer));
}

/** Reads to the end even when it is too much: a client that still writes would not see an answer. */
async function readBody(message: IncomingMessage): Promise<Buffer | 'too large'> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= BODY_MAX_BYTES) chunks.push(chunk);
  }
  return length > BODY_MAX_BYTES ? 'too large' : Buffer.concat(chunks);
}

function send(request: IncomingMessage, response: ServerResponse, answer: HttpResponse): void {
  if (response.destroyed) return;
  const mayHaveBody = answer.statusCode !== 204 && answer.statusCode !== 304;
  try {
    response.writeHead(answer.statusCode, {
      ...answer.headers,
      ...(mayHaveBody && { 'content-length': answer.body.length }),
    });
  } catch {
    // A status or header that HTTP does not allow is the function's fault.
    send(request, response, gatewayAnswer(500, 'Internal Server Error'));
    return;
  }
  response.end(mayHaveBody && request.method !== 'HEAD' ? answer.body : undefined);
}

function gatewayAnswer(statusCode: number, message: string): HttpResponse {
  const body = Buffer.from(JSON.stringify({ message }));
  return { statusCode, headers: { 'content-type': 'application/json' }, body };
}
