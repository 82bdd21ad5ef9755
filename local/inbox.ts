import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Webhook } from 'standardwebhooks';
import { consolePage } from './console.ts';

const KEPT_MAX = 1000;

export interface ReceivedWebhook {
  at: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Whether npm's `standardwebhooks` accepts its signature with a secret that is alive. */
  verified: boolean;
}

export interface Inbox {
  url: string;
  consoleUrl: string;
  /** Called for each webhook that comes in. */
  onReceived: (webhook: ReceivedWebhook) => void;
  /** A line for the console's page. */
  show(line: string): void;
  close(): void;
}

/** A receiver of webhooks on this machine: takes them by POST, shows them by GET. */
export async function startInbox(secrets: SecretsManagerClient, secretId: string): Promise<Inbox> {
  const received: ReceivedWebhook[] = [];
  const lines: string[] = [];
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.writeHead(500).end());
  });

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/') return answer(response, 'text/html; charset=utf-8', consolePage(lines));
    if (request.url !== '/inbox') return void response.writeHead(404).end();
    if (request.method === 'GET') return answer(response, 'application/json', JSON.stringify({ received }));
    if (request.method !== 'POST') return void response.writeHead(405, { allow: 'GET, POST' }).end();
    const body = await bodyOf(request);
    const verified = isSigned(body, request, await signingSecrets(secrets, secretId));
    const webhook = { at: new Date().toISOString(), headers: request.headers, body, verified };
    received.push(webhook);
    received.splice(0, received.length - KEPT_MAX);
    response.writeHead(204).end();
    inbox.onReceived(webhook);
  }

  const base = await listen(server);
  const inbox: Inbox = {
    url: `${base}/inbox`,
    consoleUrl: `${base}/`,
    onReceived: () => undefined,
    show(line) {
      lines.push(line);
      lines.splice(0, lines.length - KEPT_MAX);
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return inbox;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answer(response: ServerResponse, contentType: string, body: string): void {
  response.writeHead(200, { 'content-type': contentType }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** In a rotation there are two. */
async function signingSecrets(client: SecretsManagerClient, secretId: string): Promise<string[]> {
  const stages = ['AWSCURRENT', 'AWSPREVIOUS'];
  const versions = stages.map((stage) =>
    client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: stage })).catch(() => null),
  );
  return (await Promise.all(versions)).flatMap((version) => version?.SecretString ?? []);
}

function isSigned(body: string, request: IncomingMessage, secrets: string[]): boolean {
  return secrets.some((secret) => {
    try {
      new Webhook(secret).verify(body, request.headers as Record<string, string>);
      return true;
    } catch {
      return false;
    }
  });
}
