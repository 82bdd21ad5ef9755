/** Calls a deployment of modelstudio-jobs, and verifies its webhooks. Needs web standards only: Node 20, Deno, Bun, workers. */
export {
  type ListQuery,
  ModelStudioJobsClient,
  type RedeliveriesQuery,
  type SubmitOptions,
  type WaitOptions,
} from './client.ts';
export { ApiError, ConnectionError, JobError, StillRunningError } from './errors.ts';
export type { ClientOptions } from './options.ts';
export type { CallOptions } from './repeating.ts';
export type {
  Deliveries,
  Event as WebhookEvent,
  Job,
  Problem,
  Result,
  Submission,
  Webhook,
} from './types.ts';
export type { UploadOptions } from './uploads.ts';
export { type Refusal, type VerifyOptions, verifyWebhook, WebhookError } from './webhook.ts';
