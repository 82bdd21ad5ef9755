import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Create {
  at: number;
  model: string;
  /** What the job was given as its only message. */
  text: string;
  /** How many jobs run there already. */
  running: number;
  status: number;
}

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  detail?: string;
  /** Whether the job has ended; without it, it has at once. */
  isOver?: () => boolean;
}

/** A ModelStudio whose creates are answered as a test says. */
export async function startQueueUpstream(answer: (create: Omit<Create, 'status'>) => Answer) {
  const creates: Create[] = [];
  const jobs = new Map<string, { text: string; isOver: () => boolean }>();
  /** When it was first told that a job has ended, in this order. */
  const endsTold = new Map<string, number>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    response.setHeader('content-type', 'application/json');
    if (request.method === 'GET') {
      const id = decodeURIComponent(request.url?.split('/').at(-1) ?? '');
      const job = jobs.get(id);
      if (job?.isOver() === false)
        return response.end(JSON.stringify({ job_id: id, job_status: 'created', total_tasks: 1 }));
      if (job && !endsTold.has(job.text)) endsTold.set(job.text, Date.now());
      const results = [{ task_index: 0, status: 'completed', result: 'done', error: null }];
      const report = { job_id: id, job_status: 'completed', total_tasks: 1, completed_tasks: 1, results };
      return response.writeHead(job ? 200 : 404).end(JSON.stringify(report));
    }
    const { model_id: model, messages } = JSON.parse(body);
    const running = [...jobs.values()].filter(({ isOver }) => !isOver()).length;
    const create = { at: Date.now(), model, text: messages[0][0].content, running };
    const { status, headers = {}, detail = 'busy', isOver = () => true } = answer(create);
    creates.push({ ...create, status });
    const isCreated = status < 300;
    const id = `up-${creates.length}`;
    if (isCreated) jobs.set(id, { text: create.text, isOver });
    const created = { job_id: id, status: 'CREATED', message: '' };
    response.writeHead(status, headers).end(JSON.stringify(isCreated ? created : { detail }));
  });
  const listen = async (port = 0) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  let port = await listen();
  return {
    creates,
    endsTold,
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
