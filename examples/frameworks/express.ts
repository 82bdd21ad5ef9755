// npm install && WEBHOOK_SECRET=whsec_… PORT=3000 npm run express
// Then submit jobs with "webhook_url": "https://…/webhooks/modelstudio".
import type { AddressInfo } from 'node:net';
import express from 'express';
import { Webhook } from 'standardwebhooks';
import { eventIn, isFirst, work } from './webhook.ts';

const { WEBHOOK_SECRET = '', PORT = '3000' } = process.env;
const webhook = new Webhook(WEBHOOK_SECRET);

const app = express();

// The signature is over the bytes as they came: no express.json() may come first.
const rawBody = express.raw({ type: 'application/json', limit: '1mb' });

app.post('/webhooks/modelstudio', rawBody, (request, response) => {
  const event = eventIn(webhook, request.body, request.headers);
  if (!event) {
    response.sendStatus(400);
    return;
  }
  const isNew = isFirst(request.headers['webhook-id']);
  // Within 15 s, or it is sent again: the work comes after.
  response.sendStatus(204);
  if (isNew) work(event).catch(console.error);
});

const server = app.listen(Number(PORT), () => {
  console.log('Listening on port', (server.address() as AddressInfo).port);
});
