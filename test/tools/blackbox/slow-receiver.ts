import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'vitest';

/** A webhook receiver that takes its time, and notices when it is sent the same webhook twice at once. */
export interface SlowReceiver {
  url: string;
  /** While true, nothing is answered. */
  isHeld: boolean;
  /** Attempts that wait for an answer now. */
  readonly waiting: number;
  readonly attempts: number;
  /** The most attempts at one webhook-id that waited at the same time. */
  readonly togetherMax: number;
  /** Answers all that wait, and whatever comes from now on. */
  release(): void;
}

/** Long enough for a second attempt to be met by the first. */
const ANSWERS_AFTER_MILLIS = 20;

export async function startSlowReceiver(context: TestContext): Promise<SlowReceiver> {
  const waiting = new Map<ServerResponse, string>();
  let attempts = 0;
  let togetherMax = 0;
  const answer = (response: ServerResponse) => {
    waiting.delete(response);
    response.writeHead(204).end();
  };
  const server = createServer((request, response) => {
    const id = String(request.headers['webhook-id']);
    attempts++;
    waiting.set(response, id);
    togetherMax = Math.max(togetherMax, [...waiting.values()].filter((other) => other === id).length);
    request.resume();
    if (!receiver.isHeld) setTimeout(() => answer(response), ANSWERS_AFTER_MILLIS);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const receiver: SlowReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    isHeld: false,
    get waiting() {
      return waiting.size;
    },
    get attempts() {
      return attempts;
    },
    get togetherMax() {
      return togetherMax;
    },
    release() {
      receiver.isHeld = false;
      for (const response of waiting.keys()) answer(response);
    },
  };
  return receiver;
}
