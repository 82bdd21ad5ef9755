import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { listenLocally } from '../http/server.ts';
import type { ReceivedWebhook } from '../inbox.ts';
import type { LogLine } from '../narrate.ts';
import type { BusEvent } from '../stack/event-buses.ts';
import { BodyTooLarge, bodyOf, isJson, json, send } from './answer.ts';
import { Feed, type FeedEvent, logEvent } from './feed.ts';
import { readPage } from './page.ts';
import { forward, upload } from './proxy.ts';
import { type ConsoleOptions, createRoutes } from './routes.ts';

/** The page that shows the local system, and the inbox for its webhooks. */
export interface Console {
  url: string;
  inboxUrl: string;
  tell(line: LogLine): void;
  /** Of an event that a bus has taken. */
  tellOfEvent(event: BusEvent): void;
  /** What a job was asked, which no log line says. */
  remember(jobId: string, request: unknown): void;
  close(): void;
}

const REQUESTS_KEPT_MAX = 2000;

export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { inbox, apiUrl, keys } = options;
  const feed = new Feed();
  const requests = new Map<string, unknown>();
  const page = readPage();
  inbox.listeners.add((webhook) => feed.tell(webhookEvent(webhook)));

  function remember(jobId: string, request: unknown): void {
    requests.set(jobId, request);
    const [oldest] = requests.keys();
    if (requests.size > REQUESTS_KEPT_MAX && oldest !== undefined) requests.delete(oldest);
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', base);
    if (url.pathname === '/inbox') return inbox.respond(request, response);
    // A page of another site asks before it may send a PUT.
    if (!['GET', 'PUT'].includes(request.method ?? '') && !isJson(request))
      return void response.writeHead(403).end();
    const route = routes[`${request.method} ${url.pathname}`];
    if (route) return route(request, response, url);
    if (request.method === 'PUT' && url.pathname === '/upload') {
      const { status, contentType, body } = await upload(request, url, { apiUrl, keys });
      return send(response, status, contentType, body);
    }
    if (url.pathname.startsWith('/api/')) {
      const asked = await bodyOf(request);
      const { status, contentType, body } = await forward(request, asked, url, { apiUrl, keys });
      const isCreated = status === 202 && url.pathname.endsWith('/v1/jobs');
      if (isCreated) remember(JSON.parse(body).job_id, JSON.parse(asked));
      return send(response, status, contentType, body);
    }
    const file = request.method === 'GET' ? page.get(url.pathname) : undefined;
    if (file === undefined) return void response.writeHead(404).end();
    send(response, 200, file.type, file.content);
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error) => {
      if (response.headersSent) return response.destroy();
      if (error instanceof SyntaxError)
        return json(response, 400, { detail: 'The request body is not JSON.' });
      if (error instanceof BodyTooLarge)
        return json(response, 413, { detail: 'The request body is too large.' });
      json(response, 502, { detail: 'The API does not answer.' });
    });
  });
  const base = await listen(server, options.port);
  const inboxUrl = `${base}/inbox`;
  const routes = createRoutes({ ...options, feed, inboxUrl, requests });
  return {
    url: `${base}/`,
    inboxUrl,
    tell: (line) => feed.tell(logEvent(line)),
    tellOfEvent: (event) => feed.tell(busEvent(event)),
    remember,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function listen(server: Server, port: number): Promise<string> {
  return listenLocally(server, port).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return listenLocally(server);
  });
}

/** It has no signature. */
function busEvent({ Source, DetailType, Detail = '', Resources = [], EventBusName }: BusEvent): FeedEvent {
  const headers = {
    bus: EventBusName,
    source: Source,
    'detail-type': DetailType,
    'webhook-id': Resources[0],
  };
  return webhookEvent({ at: new Date().toISOString(), headers, body: Detail, verified: null });
}

type Shown = Omit<ReceivedWebhook, 'verified'> & { verified: boolean | null };

function webhookEvent({ at, headers, body, verified }: Shown): FeedEvent {
  const { type, data } = parsed(body);
  const told = { event: String(type ?? ''), job_id: String(data?.job_id ?? '') };
  return { type: 'webhook', at: Date.parse(at), ...told, verified, headers };
}

function parsed(body: string): { type?: unknown; data?: { job_id?: unknown } } {
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}
