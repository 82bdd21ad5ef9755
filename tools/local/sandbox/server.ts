import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeServer, listenLocally } from '../http/server.ts';
import { type Api, type ApiRequest, createApi, type Outcome } from './api.ts';
import { DEFAULT_DIALECT, type Dialect, dialectNamed } from './dialects.ts';
import { type Fault, hasEffect, SERVER_ERROR, transmit } from './faults.ts';
import { MODELS, type Model } from './models.ts';

export type SandboxOptions = {
  /** 0, the default, takes any free port. */
  port?: number;
  organizationId?: string;
  apiKey?: string;
  /** Models in addition to, or instead of, the sandbox's own. */
  models?: Record<string, Model>;
  /** How it spells its answers: a name in `dialects.ts`. */
  dialect?: string;
  /** Milliseconds since 1970; by default the time of day. */
  clock?: () => number;
};

export type Sandbox = {
  readonly baseUrl: string;
  readonly organizationId: string;
  /** The one key that is valid now: give it another value to revoke the former. */
  apiKey: string;
  readonly modelIds: string[];
  /** How many jobs have been created. */
  readonly creates: number;
  /** The latest requests, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** To be changed at any time; they hold for all requests from then on. */
  readonly faults: Faults;
  /** Cuts every connection and takes no further one, until `acceptConnections`. */
  refuseConnections(): Promise<void>;
  /** Listens on the same port again. */
  acceptConnections(): Promise<void>;
  close(): Promise<void>;
};

export type Faults = {
  /** What befalls every request. */
  every: Fault | null;
  /** How long each answer is held back. */
  delayMilliseconds: number;
};

export type SeenRequest = {
  method: string;
  path: string;
  /** null when it was over 64 KiB. */
  body: string | null;
  traceparent: string | undefined;
  /** The status that was answered, null when no whole answer was sent. */
  status: number | null;
};

const BODY_MAX_BYTES = 64 * 1024 * 1024;
const REQUESTS_KEPT_MAX = 1000;
const SEEN_BODY_MAX_BYTES = 64 * 1024;
/** Longer than clients keep an idle connection, or it would be closed under a request now and then. */
const KEEP_ALIVE_MILLISECONDS = 65_000;

/** @throws what listening throws, such as EADDRINUSE, and for a dialect that there is not */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const {
    organizationId = 'org_sandbox',
    apiKey = 'sandbox-key-for-local-use-only',
    clock = Date.now,
  } = options;
  const dialect = dialectNamed(options.dialect ?? DEFAULT_DIALECT);
  const models = new Map(Object.entries({ ...MODELS, ...options.models }));
  const faults: Faults = { every: null, delayMilliseconds: 0 };
  const requests: SeenRequest[] = [];
  const api = createApi({ organizationId, models, dialect, clock, apiKey: () => sandbox.apiKey });
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MILLISECONDS }, (request, response) => {
    serve(api, faults, dialect, request, response).then(
      (seen) => {
        requests.push(seen);
        if (requests.length > REQUESTS_KEPT_MAX) requests.shift();
      },
      (error: NodeJS.ErrnoException) => {
        const isClientGone = error.code === 'ECONNRESET';
        if (!isClientGone) console.error(error);
        response.destroy();
      },
    );
  });
  const baseUrl = await listenLocally(server, options.port);
  const port = Number(new URL(baseUrl).port);

  const sandbox: Sandbox = {
    baseUrl,
    organizationId,
    apiKey,
    modelIds: [...models.keys()],
    get creates() {
      return api.creates();
    },
    requests,
    faults,
    refuseConnections: () => closeServer(server),
    async acceptConnections() {
      if (!server.listening) await listenLocally(server, port);
    },
    close: () => closeServer(server),
  };
  return sandbox;
}

async function serve(
  api: Api,
  faults: Faults,
  dialect: Dialect,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<SeenRequest> {
  const body = await read(incoming);
  const request: ApiRequest = {
    method: incoming.method ?? '',
    path: (incoming.url ?? '').split('?', 1)[0] as string,
    authorization: incoming.headers.authorization,
    body,
  };
  const { answer, fault } = outcomeOf(api, faults, request);
  if (faults.delayMilliseconds > 0) await sleep(faults.delayMilliseconds, undefined, { ref: false });
  const status = transmit(response, answer, fault, dialect);
  const isShort = body !== null && body.length <= SEEN_BODY_MAX_BYTES;
  const { method, path } = request;
  const traceparent = incoming.headers['traceparent']?.toString();
  return { method, path, traceparent, body: isShort ? body.toString() : null, status };
}

function outcomeOf(api: Api, faults: Faults, request: ApiRequest): Outcome {
  const every = faults.every;
  if (every !== null && !hasEffect(every)) return { answer: SERVER_ERROR, fault: every };
  const outcome = api.respond(request);
  return every === null ? outcome : { ...outcome, fault: every };
}

/** Reads on past the limit without keeping anything, as a client that is still sending sees no answer. */
async function read(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return bytes <= BODY_MAX_BYTES ? Buffer.concat(chunks) : null;
}
