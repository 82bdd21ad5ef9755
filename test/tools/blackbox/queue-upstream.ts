import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Create {
  at: number;
  model: string;
  /** What the job was given as its only message. */
  text: string;
  status: number;
}

type Answer = { status: number; headers?: Record<string, string> };

/** A ModelStudio whose creates are answered as a test says; each job that it takes is done at once. */
export async function startQueueUpstream(answer: (create: Omit<Create, 'status'>) => Answer) {
  const creates: Create[] = [];
  const jobs = new Map<string, number>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    response.setHeader('content-type', 'application/json');
    if (request.method === 'GET') {
      const id = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
      const results = [{ task_index: 0, status: 'completed', result: 'done', error: null }];
      const report = { job_id: id, job_status: 'completed', total_tasks: 1, completed_tasks: 1, results };
      return response.writeHead(jobs.has(id) ? 200 : 404).end(JSON.stringify(report));
    }
    const { model_id: model, messages } = JSON.parse(body);
    const create = { at: Date.now(), model, text: messages[0][0].content };
    const { status, headers = {} } = answer(create);
    creates.push({ ...create, status });
    const isCreated = status < 300;
    const id = `up-${creates.length}`;
    if (isCreated) jobs.set(id, Date.now());
    const created = { job_id: id, status: 'CREATED', message: '' };
    response.writeHead(status, headers).end(isCreated ? JSON.stringify(created) : '{"detail":"busy"}');
  });
  const listen = async (port = 0) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  let port = await listen();
  return {
    creates,
    env: {
      MODELSTUDIO_BASE_URL: `http://127.0.0.1:${port}`,
      MODELSTUDIO_ORGANIZATION_ID: 'org_test',
      MODELSTUDIO_API_KEY: 'msk-secret',
    },
    /** Connections are refused until `open`. */
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
    async open() {
      port = await listen(port);
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A fixed window of a second. */
export function atMostPerSecond(limit: number): () => Answer {
  let window = 0;
  let taken = 0;
  return () => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== window) [window, taken] = [now, 0];
    return ++taken > limit ? { status: 429 } : { status: 200 };
  };
}
