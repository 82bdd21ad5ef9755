// npm install && WEBHOOK_SECRET=whsec_… PORT=3000 npm start
// Then submit jobs with "webhook_url": "https://…/webhooks/modelstudio".
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Webhook } from 'standardwebhooks';

interface JobEvent {
  type: 'job.completed' | 'job.failed' | 'job.cancelled' | 'job.expired';
  timestamp: string;
  data: { job_id: string; status: string; results: unknown[] | null; results_url: string | null };
}

const { WEBHOOK_SECRET = '', PORT = '3000' } = process.env;
const webhook = new Webhook(WEBHOOK_SECRET);

// A shared store belongs here: more than one process, and a restart, need a table with a unique key,
// INSERT INTO inbox (webhook_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING, whose rows a worker takes.
const seen = new Set<string>();

/** Whether this webhook has come for the first time: one step, so that two at once cannot both be the first. */
function isFirst(webhookId: string): boolean {
  return seen.size < seen.add(webhookId).size;
}

/** Undefined if it is not genuine, or empty: that can be signed, too. */
function eventIn(body: Buffer, headers: Record<string, string>): JobEvent | undefined {
  try {
    return webhook.verify(body, headers) as JobEvent | undefined;
  } catch {
    return undefined;
  }
}

async function work({ type, data }: JobEvent): Promise<void> {
  console.log(type, data.job_id);
}

const app = express();

// The signature is over the bytes as they came: no express.json() may come first.
const rawBody = express.raw({ type: 'application/json', limit: '1mb' });

app.post('/webhooks/modelstudio', rawBody, (request, response) => {
  const event = eventIn(request.body, request.headers as Record<string, string>);
  if (!event) {
    response.sendStatus(400);
    return;
  }
  const isNew = isFirst(String(request.headers['webhook-id']));
  // Within 15 s, or it is sent again: the work comes after.
  response.sendStatus(204);
  if (isNew) work(event).catch(console.error);
});

const server = app.listen(Number(PORT), () => {
  console.log('Listening on port', (server.address() as AddressInfo).port);
});
