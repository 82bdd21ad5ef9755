import type { IncomingMessage, RequestListener, Server } from 'node:http';

const guarded = new WeakSet<Server>();

/** Whatever the server answers, it answers to nobody else. To be called before it listens. */
export function guard(server: Server): void {
  if (guarded.has(server)) return;
  guarded.add(server);
  const listeners = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request, response) => {
    if (!isWelcome(request, request.socket.localPort ?? 0)) {
      return void response.writeHead(403, 'Forbidden to other hosts and origins').end();
    }
    for (const listener of listeners) listener.call(server, request, response);
  });
}

/** No other site that is open in the same browser may ask for anything here, under whatever name it has found. */
function isWelcome({ method, headers }: IncomingMessage, port: number): boolean {
  const origins = ['127.0.0.1', 'localhost'].map((name) => new URL(`http://${name}:${port}`));
  if (!origins.some(({ host }) => host === headers.host)) return false;
  if (headers.origin !== undefined && !origins.some(({ origin }) => origin === headers.origin)) return false;
  // A link may lead here from anywhere, but no other page's script may send requests here.
  const isVisit =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  // Programs do not say where they come from; browsers do.
  return (
    isVisit || ['same-origin', 'none', undefined].includes(headers['sec-fetch-site'] as string | undefined)
  );
}
