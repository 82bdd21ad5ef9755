import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Case, Said } from './case.ts';

export interface Scripted {
  baseUrl: string;
  /** How often a job of the case was created. */
  creates(name: string): number;
  /** Who has called, and what encodings they take. */
  readonly callers: ReadonlySet<string>;
  close(): void;
}

const PATH = /^\/api\/v1\/organizations\/org_test\/generate(?:\/([^/]+))?$/;
const NOT_IN_THE_SCRIPT: Said = { status: 500, body: 'Nobody was given this id, or nobody was to ask by it' };

/** A ModelStudio that answers as its cases say. A case is known by its model, then by the id that it gave. */
export async function startScripted(cases: ReadonlyMap<string, Case>): Promise<Scripted> {
  const ids = new Map([...cases].map(([name, { id }]) => [id ?? name, name]));
  const creates = new Map<string, number>();
  const polls = new Map<string, number>();
  const callers = new Set<string>();
  const turn = (counts: Map<string, number>, name: string) => {
    const calls = counts.get(name) ?? 0;
    counts.set(name, calls + 1);
    return calls;
  };

  function create(body: string, response: ServerResponse): void {
    const name = JSON.parse(body).model_id as string;
    turn(creates, name);
    const { created, id = name } = cases.get(name) as Case;
    say(created ?? { body: { job_id: id, status: 'CREATED', message: 'Created.' } }, response);
  }

  function report(id: string, response: ServerResponse): void {
    const name = ids.get(id) ?? '';
    const { polls: answers = [] } = cases.get(name) ?? {};
    const said = answers[Math.min(turn(polls, name), answers.length - 1)] ?? NOT_IN_THE_SCRIPT;
    say({ ...said, body: withId(said.body, id) }, response);
  }

  const server = createServer(async (request, response) => {
    callers.add(`${request.headers['user-agent']}, ${request.headers['accept-encoding']}`);
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const [path, id] = PATH.exec(request.url ?? '') ?? [];
    if (path === undefined) say({ status: 404, body: 'There is no such path' }, response);
    else if (id === undefined) create(body, response);
    else report(decodeURIComponent(id), response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    creates: (name) => creates.get(name) ?? 0,
    callers,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function withId(body: unknown, id: string): unknown {
  const isOurs = typeof body === 'object' && body !== null && !Buffer.isBuffer(body);
  return isOurs ? { job_id: id, ...body } : body;
}

function say({ status = 200, headers = {}, body }: Said, response: ServerResponse): void {
  const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(isRaw ? body : JSON.stringify(body));
}
