import type { IncomingMessage, ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { bodyOf } from './console/answer.ts';

const KEPT_MAX = 1000;
/** Four times what a webhook may have. */
const BODY_MAX_BYTES = 1024 * 1024;

export interface ReceivedWebhook {
  at: string;
  headers: Record<string, string | string[] | undefined>;
  body: string;
  /** Whether npm's `standardwebhooks` accepts its signature with a secret of one of the clients. */
  verified: boolean;
}

/** A receiver of webhooks on this machine: takes them by POST, shows them by GET. */
export interface Inbox {
  /** Answers 503 and keeps nothing, as a receiver that is being restarted. */
  isDown: boolean;
  /** Called for each webhook that comes in. */
  readonly listeners: Set<(webhook: ReceivedWebhook) => void>;
  respond(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** @param secretsOf all of the clients, as they are now */
export function createInbox(secretsOf: () => Promise<string[]>): Inbox {
  const received: ReceivedWebhook[] = [];
  const inbox: Inbox = {
    isDown: false,
    listeners: new Set(),
    async respond(request, response) {
      if (request.method === 'GET') {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ received }));
        return;
      }
      if (request.method !== 'POST') return void response.writeHead(405, { allow: 'GET, POST' }).end();
      const body = await bodyOf(request, BODY_MAX_BYTES);
      if (inbox.isDown) return void response.writeHead(503).end();
      const verified = isSigned(body, request, await secretsOf());
      const webhook = { at: new Date().toISOString(), headers: request.headers, body, verified };
      received.push(webhook);
      received.splice(0, received.length - KEPT_MAX);
      response.writeHead(204).end();
      for (const tell of inbox.listeners) tell(webhook);
    },
  };
  return inbox;
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
