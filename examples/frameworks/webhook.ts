// What a receiver in any framework needs: copy it beside the framework's own file.
import type { Webhook } from 'standardwebhooks';

export interface JobEvent {
  type: 'job.completed' | 'job.failed' | 'job.cancelled' | 'job.expired';
  timestamp: string;
  data: { job_id: string; status: string; results: unknown[] | null; results_url: string | null };
}

// A shared store belongs here: more than one process, and a restart, need a table with a unique key,
// INSERT INTO inbox (webhook_id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING, whose rows a worker takes.
const seen = new Set<string>();

/** Whether this webhook has come for the first time: one step, so that two at once cannot both be the first. */
export function isFirst(webhookId: unknown): boolean {
  return seen.size < seen.add(String(webhookId)).size;
}

/** Undefined if it is not genuine, or empty: that can be signed, too. */
export function eventIn(webhook: Webhook, body: Buffer | string, headers: object): JobEvent | undefined {
  try {
    return webhook.verify(body, headers as Record<string, string>) as JobEvent | undefined;
  } catch {
    return undefined;
  }
}

export async function work({ type, data }: JobEvent): Promise<void> {
  console.log(type, data.job_id);
}
