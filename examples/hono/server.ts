// npm install && WEBHOOK_SECRET=whsec_… PORT=3000 npm start
// Then submit jobs with "webhook_url": "https://…/webhooks/modelstudio".
// The app itself runs wherever Hono does; only the last lines are Node's.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
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
function eventIn(body: string, headers: Record<string, string>): JobEvent | undefined {
  try {
    return webhook.verify(body, headers) as JobEvent | undefined;
  } catch {
    return undefined;
  }
}

async function work({ type, data }: JobEvent): Promise<void> {
  console.log(type, data.job_id);
}

const app = new Hono();

app.post('/webhooks/modelstudio', bodyLimit({ maxSize: 1024 * 1024 }), async (c) => {
  // The signature is over the bytes as they came: text(), not json().
  const event = eventIn(await c.req.text(), c.req.header());
  if (!event) return c.body(null, 400);
  // Not awaited: without an answer within 15 s, it is sent again. On Workers, c.executionCtx.waitUntil(work(event)).
  if (isFirst(String(c.req.header('webhook-id')))) work(event).catch(console.error);
  return c.body(null, 204);
});

serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => console.log('Listening on port', port));
