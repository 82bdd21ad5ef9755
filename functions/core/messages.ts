import * as z from 'zod/mini';

const WakeUpSchema = z.object({ seq: z.int(), token: z.string(), dueAt: z.number() });

/** `trace`: as the job's row has it. */
const OfJob = { jobId: z.string(), trace: z.optional(z.string()) };
export const MessageOfJob = z.object(OfJob);

/** What a poll message says: enough to continue even if the row's last write was lost. */
export const PollMessage = z.object({
  ...OfJob,
  upstreamJobId: z.string(),
  wakeUp: WakeUpSchema,
  /** When the job was last polled or, before the first poll, when it was created. */
  polledAt: z.number(),
  /** When ModelStudio created a job that had waited for that. */
  startedAt: z.optional(z.number()),
  /** The last wake-up of this chain that was recorded: the row names another one if another chain has written. */
  recordedToken: z.string(),
  /** Wake-ups of this chain since then. */
  pollsSinceRecord: z.int(),
  /** ModelStudio has reported on the job. If this is missing, it may have. */
  isSeen: z._default(z.boolean(), true),
  /** The slot in which the job is to teach how long such jobs take. */
  slot: z.optional(z.int()),
});
export type PollMessage = z.infer<typeof PollMessage>;

/** Lets queued jobs through. */
export const CreateMessage = z.object({ wakeUp: WakeUpSchema });
export type CreateMessage = z.infer<typeof CreateMessage>;

/** `attempts`: those before this message was sent, which the row may not know if its last write was lost. */
export const DeliverMessage = z.object({ ...OfJob, wakeUp: WakeUpSchema, attempts: z.int() });
export type DeliverMessage = z.infer<typeof DeliverMessage>;
