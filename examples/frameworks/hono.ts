// npm install && WEBHOOK_SECRET=whsec_… PORT=3000 npm run hono
// Then submit jobs with "webhook_url": "https://…/webhooks/modelstudio".
// The app itself runs wherever Hono does; only the last lines are Node's.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Webhook } from 'standardwebhooks';
import { eventIn, isFirst, work } from './webhook.ts';

const { WEBHOOK_SECRET = '', PORT = '3000' } = process.env;
const webhook = new Webhook(WEBHOOK_SECRET);

const app = new Hono();

app.post('/webhooks/modelstudio', bodyLimit({ maxSize: 1024 * 1024 }), async (c) => {
  // The signature is over the bytes as they came: text(), not json().
  const event = eventIn(webhook, await c.req.text(), c.req.header());
  if (!event) return c.body(null, 400);
  // Not awaited: without an answer within 15 s, it is sent again. On Workers, c.executionCtx.waitUntil(work(event)).
  if (isFirst(c.req.header('webhook-id'))) work(event).catch(console.error);
  return c.body(null, 204);
});

serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => console.log('Listening on port', port));
