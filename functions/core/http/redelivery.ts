import * as z from 'zod/mini';
import { type FinishedJob, isClaimed, isFinished, type Job, type Millis, type Webhook } from '../job.ts';
import { endOfLife } from '../retention.ts';
import { faultInWebhookUrl, type WebhookRules } from '../webhook/webhook-url.ts';
import { LIST_KEY } from './list-cursor.ts';
import { A_DATE_TIME, type ListQuery, placesBetween, readDateTime } from './list-query.ts';
import type { ProblemCode, problem } from './problem.ts';
import { optional } from './validation.ts';
import { retryAfter } from './view.ts';

/** What a redelivery may ask for: another URL, which the job keeps from then on. */
export function redeliveryBody(rules: WebhookRules) {
  const url = z.string().check((given) => {
    const message = faultInWebhookUrl(given.value, rules);
    if (message !== null) given.issues.push({ code: 'custom', message, input: given.value });
  });
  return z.strictObject({ webhook_url: z.optional(url) });
}

/** As many jobs as one request reads. */
export const REDELIVERIES_MAX = 200;

const RECOVERABLE = ['exhausted', 'gone', 'blocked'] as const;
const moment = z.string().check(z.refine((text) => readDateTime(text) !== null, `Must be ${A_DATE_TIME}`));
const cursor = z.string().check(z.regex(LIST_KEY, 'Must be the next_cursor of an earlier answer'));

/** Which of its webhooks a client wants to have redelivered. */
export const RedeliveriesBody = z.strictObject({
  webhook_status: z.enum(RECOVERABLE, `Must be one of ${RECOVERABLE.join(', ')}`),
  created_after: optional<string | null>(moment, null),
  created_before: optional<string | null>(moment, null),
  cursor: optional<string | null>(cursor, null),
});

export function redeliveriesQuery(body: z.infer<typeof RedeliveriesBody>): ListQuery {
  const [after, before] = [body.created_after, body.created_before].map((text) => readDateTime(text ?? ''));
  const places = placesBetween(after ?? null, before ?? null, body.cursor);
  return { status: null, webhookStatus: body.webhook_status, limit: REDELIVERIES_MAX, ...places };
}

export const ROUND_GAP_SECONDS = 60;
/** Not counting the round that begins when the job ends. */
export const ROUNDS_MAX = 20;

type Redeliverable = FinishedJob & { readonly webhook: Webhook };
type Refusal = { code: ProblemCode; extras: Parameters<typeof problem>[2] };

/** The job, if its webhook may be redelivered now. */
export function redeliverable(job: Job, retentionDays: number, now: Millis): Redeliverable | Refusal {
  if (!isFinished(job)) return { code: 'not_finished', extras: { headers: retryAfter(job, now) } };
  const { webhook } = job;
  // The row is kept for the current round only: it and the event would be deleted before another one ends.
  const isKept = endOfLife({ ...job, webhook: null }, retentionDays) * 1000 > now;
  if (webhook === null || !isKept) return { code: 'not_redeliverable', extras: {} };
  if (isClaimed(webhook, now)) {
    const detail = 'An attempt to deliver the webhook is under way right now.';
    return { code: 'not_redeliverable', extras: { detail, headers: { 'retry-after': '5' } } };
  }
  return tooMany(webhook, now) ?? { ...job, webhook };
}

function tooMany({ redelivered }: Webhook, now: Millis): Refusal | null {
  const code = 'too_many_redeliveries';
  if (redelivered === undefined) return null;
  const never = `The webhook has been redelivered ${ROUNDS_MAX} times, which is the most for a job.`;
  if (redelivered.rounds >= ROUNDS_MAX) return { code, extras: { detail: never } };
  const seconds = Math.ceil((redelivered.at - now) / 1000) + ROUND_GAP_SECONDS;
  if (seconds <= 0) return null;
  const detail = `The webhook was redelivered less than ${ROUND_GAP_SECONDS} seconds ago. Try again in ${seconds}.`;
  return { code, extras: { detail, headers: { 'retry-after': String(seconds) } } };
}
