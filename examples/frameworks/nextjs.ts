// For the App Router: copy it to app/api/webhooks/modelstudio/route.ts, with webhook.ts beside it, which Next.js imports
// as './webhook'. npm install standardwebhooks, and set WEBHOOK_SECRET=whsec_… in the environment.
// The "webhook_url" of jobs is https://…/api/webhooks/modelstudio.
import { Webhook } from 'standardwebhooks';
import { eventIn, isFirst, work } from './webhook.ts';

export async function POST(request: Request): Promise<Response> {
  // Not at the top of the file, which `next build` runs without the secret.
  const webhook = new Webhook(process.env['WEBHOOK_SECRET'] ?? '');
  // The signature is over the bytes as they came: text(), not json().
  const event = eventIn(webhook, await request.text(), Object.fromEntries(request.headers));
  if (!event) return new Response(null, { status: 400 });
  // Not awaited: without an answer within 15 s, it is sent again. Where an instance is frozen once it has answered,
  // as on Vercel, wrap it: after(() => work(event)), from 'next/server'.
  if (isFirst(request.headers.get('webhook-id'))) work(event).catch(console.error);
  return new Response(null, { status: 204 });
}
