import * as z from 'zod/mini';
import type { Millis, Webhook } from '../job.ts';
import { faultInWebhookUrl, type WebhookRules } from '../webhook/webhook-url.ts';

/** What a redelivery may ask for: another URL, which the job keeps from then on. */
export function redeliveryBody(rules: WebhookRules) {
  const url = z.string().check((given) => {
    const message = faultInWebhookUrl(given.value, rules);
    if (message !== null) given.issues.push({ code: 'custom', message, input: given.value });
  });
  return z.strictObject({ webhook_url: z.optional(url) });
}

export const ROUND_GAP_SECONDS = 60;
/** Not counting the round that begins when the job ends. */
export const ROUNDS_MAX = 20;

/** Seconds until the webhook may be redelivered: 0 means now, null means never again. */
export function waitForRound({ redelivered }: Webhook, now: Millis): number | null {
  if (redelivered === undefined) return 0;
  if (redelivered.rounds >= ROUNDS_MAX) return null;
  return Math.max(0, Math.ceil((redelivered.at - now) / 1000) + ROUND_GAP_SECONDS);
}
