// For the App Router: copy it to app/api/webhooks/modelstudio/route.ts, npm install standardwebhooks, and set
// WEBHOOK_SECRET=whsec_… in the environment. The "webhook_url" of jobs is https://…/api/webhooks/modelstudio.
import { Webhook } from 'standardwebhooks';

interface JobEvent {
  type: 'job.completed' | 'job.failed' | 'job.cancelled' | 'job.expired';
  timestamp: string;
  data: { job_id: string; status: string; results: unknown[] | null; results_url: string | null };
}

// A shared store belongs here: on a host with many instances this set is one of many. A table with a unique key,
// INSERT INTO inbox (webhook_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING, is one for all.
const seen = new Set<string>();

/** Whether this webhook has come for the first time: one step, so that two at once cannot both be the first. */
function isFirst(webhookId: string): boolean {
  return seen.size < seen.add(webhookId).size;
}

/** Undefined if it is not genuine, or empty: that can be signed, too. */
function eventIn(body: string, headers: Record<string, string>): JobEvent | undefined {
  // Not at the top of the file, which `next build` runs without the secret.
  const { WEBHOOK_SECRET = '' } = process.env;
  const webhook = new Webhook(WEBHOOK_SECRET);
  try {
    return webhook.verify(body, headers) as JobEvent | undefined;
  } catch {
    return undefined;
  }
}

async function work({ type, data }: JobEvent): Promise<void> {
  console.log(type, data.job_id);
}

export async function POST(request: Request): Promise<Response> {
  // The signature is over the bytes as they came: text(), not json().
  const event = eventIn(await request.text(), Object.fromEntries(request.headers));
  if (!event) return new Response(null, { status: 400 });
  // Not awaited: without an answer within 15 s, it is sent again. Where an instance is frozen once it has answered,
  // as on Vercel, wrap it: after(() => work(event)), from 'next/server'.
  if (isFirst(String(request.headers.get('webhook-id')))) work(event).catch(console.error);
  return new Response(null, { status: 204 });
}
