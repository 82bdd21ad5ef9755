import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Post {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Receiver {
  url(path: string): string;
  posts(path: string): Post[];
  /** Resolves when a path has had that many posts. */
  received(path: string, count: number): Promise<Post[]>;
  close(): void;
}

type Reply = number | { status: number; headers: Record<string, string> };

/** A webhook receiver that answers each path with its replies in turn, the last one from then on. */
export async function startReceiver(replies: Record<string, Reply[]>): Promise<Receiver> {
  const all: Post[] = [];
  let changed = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const path = request.url ?? '';
    const turn = posts(path).length;
    all.push({ path, headers: request.headers, body });
    const list = replies[path] ?? [204];
    const reply = list[Math.min(turn, list.length - 1)] ?? 204;
    const { status, headers } = typeof reply === 'number' ? { status: reply, headers: {} } : reply;
    response.writeHead(status, headers).end();
    changed.resolve();
    changed = Promise.withResolvers();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const posts = (path: string) => all.filter((post) => post.path === path);
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    posts,
    async received(path, count) {
      while (posts(path).length < count) await changed.promise;
      return posts(path);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
