import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  path: string | undefined;
  authorization: string | undefined;
  idempotencyKey: unknown;
  /** Milliseconds of this process. */
  at: number;
}

export interface FakeApi {
  url: string;
  seen: Seen[];
  /** What was asked of the store that results are kept in, which is another host. */
  seenByStore: Seen[];
  close(): void;
}

export const LARGE_RESULTS = [{ task_index: 0, status: 'completed', result: 'large', error: null }];

/**
 * An API whose job waits when it is asked for the first time, and then has results that lie elsewhere.
 * @param busyFor how many requests it answers with 503 first
 */
export async function startFakeApi(retryAfterSeconds: number, { busyFor = 0 } = {}): Promise<FakeApi> {
  const seen: Seen[] = [];
  const seenByStore: Seen[] = [];
  const noted = (list: Seen[], listener: RequestListener): RequestListener => {
    return (request, response) => {
      const { authorization, 'idempotency-key': idempotencyKey } = request.headers;
      list.push({ path: request.url, authorization, idempotencyKey, at: performance.now() });
      listener(request, response);
    };
  };

  const store = createServer(
    noted(seenByStore, (_, response) => response.end(JSON.stringify(LARGE_RESULTS))),
  );
  const storeUrl = `http://localhost:${await portOf(store)}/large`;
  const api = createServer(
    noted(seen, (request, response) => {
      if (seen.length <= busyFor) return response.writeHead(503, { 'Retry-After': 0 }).end();
      if (request.url?.endsWith('/results')) return response.writeHead(307, { location: storeUrl }).end();
      const job = { job_id: 'job_1', finished_at: null, results: null, results_url: null, error: null };
      if (seen.length === busyFor + 1) {
        response.setHeader('Retry-After', retryAfterSeconds);
        return response.end(JSON.stringify({ ...job, status: 'queued' }));
      }
      const results_url = `http://${request.headers.host}/v1/jobs/job_1/results`;
      const ended = { status: 'completed', finished_at: '2026-01-01T00:00:30.000Z', results_url };
      response.end(JSON.stringify({ ...job, ...ended }));
    }),
  );
  return {
    url: `http://127.0.0.1:${await portOf(api)}`,
    seen,
    seenByStore,
    close() {
      for (const server of [api, store]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
