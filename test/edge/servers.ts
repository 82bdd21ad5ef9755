import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { onTestFinished } from 'vitest';
import { certificateFor } from './certificate.ts';

export interface TestServer {
  port: number;
  /** `http` or `https`, on the host that it is reached by. */
  url: URL;
  /** How many connections it has taken. */
  connections(): number;
  close(): Promise<void>;
}

/** The name that the servers' certificate is made out to, and the authority that receivers of it may trust. */
export const localhost = certificateFor('localhost');

export function serveHttp(listener: RequestListener): Promise<TestServer> {
  return start(createServer(listener), 'http://127.0.0.1');
}

export function serveHttps(listener: RequestListener): Promise<TestServer> {
  return start(createSecureServer(localhost, listener), 'https://localhost');
}

/** `onRequest` is called once a request's head has come, and then does with its connection what it likes. */
export function serveRaw(onRequest: (socket: Socket, request: string) => void): Promise<TestServer> {
  return start(createTcpServer(onHead(onRequest)), 'http://127.0.0.1');
}

export function serveRawTls(onRequest: (socket: Socket, request: string) => void): Promise<TestServer> {
  return start(createTlsServer(localhost, onHead(onRequest)), 'https://localhost');
}

/** Says nothing of its own accord. */
export function serveTls(options: TlsOptions, onConnection: (socket: Socket) => void): Promise<TestServer> {
  return start(
    createTlsServer(options, (socket) => onConnection(socket.on('error', () => undefined))),
    'https://localhost',
  );
}

/** Says nothing of its own accord. */
export function serveConnections(
  onConnection: (socket: Socket) => void,
  protocol = 'http',
): Promise<TestServer> {
  return start(createTcpServer(onConnection), `${protocol}://127.0.0.1`);
}

/** A port on which nobody listens. */
export async function refusingPort(): Promise<number> {
  const { port, close } = await serveConnections(() => undefined);
  await close();
  return port;
}

function onHead(onRequest: (socket: Socket, request: string) => void) {
  return (socket: Socket) => {
    let received = '';
    const listener = (chunk: Buffer) => {
      received += chunk.toString('latin1');
      if (!received.includes('\r\n\r\n')) return;
      const request = received;
      received = '';
      onRequest(socket, request);
    };
    socket.on('data', listener);
    socket.on('error', () => undefined);
  };
}

/** Listens until the test has finished, then leaves nothing behind. */
async function start(server: TcpServer, base: string): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return { port, url: new URL(`${base}:${port}/`), connections: () => connections, close };
}

/** A promise and what fulfils it: how a test waits for a server to get somewhere. */
export function signal<T = void>() {
  return Promise.withResolvers<T>();
}
