import * as z from 'zod';
import { Message } from '../../functions/core/http/generation-request.ts';
import { LIST_KEY } from '../../functions/core/http/list-cursor.ts';
import { DateTime, LIMIT_DEFAULT, LIMIT_MAX } from '../../functions/core/http/list-query.ts';
import { PROBLEMS } from '../../functions/core/http/problem.ts';
import { REDELIVERIES_MAX, RedeliveriesBody } from '../../functions/core/http/redelivery.ts';
import { Envelope, metadataKey, metadataValue } from '../../functions/core/http/submission.ts';
import { UploadBody } from '../../functions/core/http/uploads.ts';
import { STATUSES, WEBHOOK_STATUSES } from '../../functions/core/job.ts';
import { SUBMISSIONS_MAX, TASKS_MAX } from '../../functions/core/limits.ts';
import { DELIVERY_ERRORS, LOCATION_MAX_LENGTH } from '../../functions/core/webhook/attempt.ts';

/** The schemas of the document, by the names that they have in it. */
export const schemas = z.registry<{ id: string; description?: string }>();

function described<T extends z.core.$ZodType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

function named<T extends z.core.$ZodType>(id: string, description: string, schema: T): T {
  described(schema, description);
  schemas.add(schema, { id });
  return schema;
}

const moment = z.iso.datetime();
const count = z.int().min(0);
export const Id = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);
const Metadata = z.record(metadataKey, metadataValue).meta({ maxProperties: 16 });

export const Submission = named(
  'Submission',
  "A request of ModelStudio's, and where to send its results. Unknown fields are refused.",
  z.strictObject({
    ...Envelope.shape,
    messages: z.optional(
      z
        .array(z.array(Message).min(1).max(1000))
        .min(1)
        .max(TASKS_MAX)
        .describe('1 to 50000 conversations, each an array of messages; the results come in their order.'),
    ),
    messages_from: described(
      Envelope.shape.messages_from,
      'Instead of messages, the id of an upload. The job is queued until its file has been read; faults in it end the job as `invalid_input`.',
    ),
    task_retries: described(
      Envelope.shape.task_retries,
      'How often conversations that ModelStudio reports as failed are given to it again, those alone. Only a job that may be queued can have any.',
    ),
    webhook_url: z.optional(
      z
        .nullable(z.string().max(2048))
        .describe(
          'https, on port 443 unless configured otherwise, at a public DNS name. Null: no webhook, whatever the default is.',
        ),
    ),
    destination: described(
      Envelope.shape.destination,
      'Instead of webhook_url, the name of a queue or a bus that the operator has set up for the client. Null: none, whatever the default is.',
    ),
    metadata: z.optional(z.nullable(Metadata).describe('Returned as given; null means none.')),
    queue_for: described(
      Envelope.shape.queue_for,
      'How many seconds the job may wait for ModelStudio to take it; null is what the deployment has set. With 0 it does not wait, and the answer is a 503.',
    ),
    on_unknown: described(
      Envelope.shape.on_unknown,
      'What happens if ModelStudio does not say whether it has created the job. With `resubmit`, which a deployment must allow, it is created again, three times at most, and may be billed more than once.',
    ),
  }),
);

export const Redelivery = named(
  'Redelivery',
  'The body may be left out.',
  z.strictObject({
    webhook_url: z.optional(
      z
        .string()
        .max(2048)
        .describe(
          "Where to send it, as in a submission; it is the job's webhook_url from then on. Not for a job with a destination.",
        ),
    ),
  }),
);
export const Redeliveries = named(
  'Redeliveries',
  'Which webhooks to deliver again.',
  z.strictObject({
    webhook_status: described(RedeliveriesBody.shape.webhook_status, 'How their delivery has ended.'),
    created_after: z.optional(z.nullable(DateTime).describe('Only of jobs that were created after this.')),
    created_before: z.optional(z.nullable(DateTime).describe('Only of jobs that were created before this.')),
    cursor: z.optional(
      z
        .nullable(z.string().regex(LIST_KEY))
        .describe('The next_cursor of the previous answer. Null begins with the newest job.'),
    ),
  }),
);
export const RedeliveriesBegun = named(
  'RedeliveriesBegun',
  'How many webhooks are being delivered again.',
  z.strictObject({
    count: count.max(REDELIVERIES_MAX),
    next_cursor: z.nullable(Id).describe('For the next request; null if there are no more.'),
  }),
);
export const UploadRequest = named(
  'UploadRequest',
  'What is to be uploaded.',
  z.strictObject({
    bytes: described(UploadBody.shape.bytes, 'The length of the file.'),
    format: described(
      UploadBody.shape.format,
      '`json`: an array of conversations, as in `messages`. `jsonl`: a conversation a line, as an array of messages or as an object that has it as its `messages`, as in files for fine-tuning.',
    ),
    sha256: z.optional(
      z.nullable(
        z
          .string()
          .regex(/^[0-9A-Fa-f]{64}$/)
          .describe(
            'The hash of the file, in hexadecimal digits. Another file is then refused, and the same request gets the same upload.',
          ),
      ),
    ),
  }),
);
export const Upload = named(
  'Upload',
  'Where to send the file.',
  z.strictObject({
    upload_id: Id,
    method: z.literal('PUT'),
    url: z.nullable(z.url()).describe('Null if the file is there already. Send no key to this URL.'),
    headers: z
      .nullable(z.record(z.string(), z.string()))
      .describe('What to send with the file, to the letter; all other headers are free.'),
    expires_at: z.nullable(moment).describe('When the URL can no longer be used.'),
  }),
);
export const Empty = named(
  'Empty',
  'An object without any fields. The body may be left out.',
  z.strictObject({}),
);

const Result = named(
  'Result',
  'What ModelStudio gave for one conversation, unchanged.',
  z.looseObject({
    task_index: z.optional(z.int().min(0).describe('The place of the conversation in the request, from 0.')),
    status: z.optional(z.string().describe("ModelStudio's word, such as completed or failed.")),
    result: z.optional(z.union([z.string(), z.null()]).describe('The text that was generated.')),
    error: z.optional(z.union([z.string(), z.looseObject({}), z.null()]).describe('Why there is no text.')),
    attempts: z.optional(
      z.int().min(2).describe('How often it was given to ModelStudio, if its `task_retries` were used.'),
    ),
  }),
);
export const Results = named('Results', 'One result for each conversation, in their order.', z.array(Result));
export const ResultsLink = named(
  'ResultsLink',
  'Where to fetch results that are too large for an answer. Send no key to this URL.',
  z.strictObject({ url: z.url(), expires_at: moment }),
);

const heldUntil = z
  .nullable(moment)
  .describe('Set while attempts are put off because the receiver hangs: when the next one is due.');

const Webhook = named(
  'Webhook',
  "The delivery of a job's webhook.",
  z.strictObject({
    id: Id,
    url: z.string().describe('Of a job with a destination, its name.'),
    status: z.enum(WEBHOOK_STATUSES),
    attempts: count,
    last_attempt_at: z.nullable(moment),
    last_status: z
      .nullable(z.int())
      .describe('HTTP status of the last answer; null if there was none, and for a destination.'),
    next_attempt_at: z.nullable(moment),
    held_until: heldUntil,
  }),
);

const JOB_ERROR_CODES =
  '`modelstudio_job_failed`, `modelstudio_job_cancelled` (at ModelStudio, by somebody else), `modelstudio_job_missing`, ' +
  '`results_too_large`, `results_unreadable`, `submission_unknown`, `never_submitted` (nothing was created), `invalid_input` (of an upload, or of too many parts; nothing was created), `expired` or, of ' +
  'a job that was queued, `modelstudio_invalid_request` or `model_not_found`.';

const JobData = z.strictObject({
  job_id: Id,
  status: z
    .enum(STATUSES)
    .describe('A queued job waits for ModelStudio to take it. A terminal status never changes.'),
  model_id: z.string(),
  total_tasks: z.nullable(z.int().min(1)).describe('Null until an upload has been read.'),
  completed_tasks: count.describe('Tasks that have ended, including the failed ones.'),
  failed_tasks: count.describe('The completed_tasks without a result.'),
  created_at: moment,
  updated_at: moment,
  finished_at: z.nullable(moment),
  expires_at: moment.describe('When the job expires.'),
  queued_until: z.optional(
    moment.describe('Of a queued job: when it fails with `never_submitted` if ModelStudio has not taken it.'),
  ),
  submissions: z.optional(
    z
      .int()
      .min(1)
      .max(SUBMISSIONS_MAX)
      .describe('How often ModelStudio was asked to create it, if `on_unknown` is `resubmit`.'),
  ),
  metadata: Metadata,
  results: z.nullable(Results).describe('Present once the job has finished, if they are small enough.'),
  results_url: z.nullable(z.url()).describe('Where the results are if they are not here.'),
  error: z
    .nullable(
      z.strictObject({
        code: z.string().describe(JOB_ERROR_CODES),
        message: z.string(),
        details: z.optional(
          z
            .array(
              z.strictObject({
                line: z.optional(z.int()),
                pointer: z.optional(z.string()),
                message: z.string(),
              }),
            )
            .describe('Of `invalid_input`: the first 20 faults, by line or by JSON Pointer.'),
        ),
      }),
    )
    .describe(
      "Why the job has not completed. The message of a failure ends with ModelStudio's own sentence, if it gave one.",
    ),
});
export const Job = named('Job', 'A job.', z.strictObject({ ...JobData.shape, webhook: z.nullable(Webhook) }));
named('JobData', 'A job without its webhook.', JobData);

export const JobList = named(
  'JobList',
  'Jobs without their results, the newest first.',
  z.strictObject({
    jobs: z.array(Job),
    next_cursor: z.nullable(Id).describe('For the next page; null if there is none.'),
  }),
);

export const ListQuery = {
  status: z.enum(STATUSES),
  webhook_status: z.enum(WEBHOOK_STATUSES),
  created_after: DateTime,
  created_before: DateTime,
  limit: z.int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,128}$/)
    .describe('The next_cursor of the previous page. An empty one counts as none.'),
};

export const Deliveries = named(
  'Deliveries',
  "The latest 100 attempts to deliver a job's webhook, the oldest first.",
  z.strictObject({
    deliveries: z.array(
      z.strictObject({
        attempt: z.int().min(1),
        at: moment,
        status: z
          .nullable(z.int())
          .describe('HTTP status of the answer; null if there was none, and for a destination.'),
        duration_ms: z.number().min(0),
        error: z
          .nullable(z.enum(DELIVERY_ERRORS))
          .describe(
            'Why there was no answer, or a destination has not taken it; docs/webhooks.md explains each.',
          ),
        location: z
          .nullable(z.string().max(LOCATION_MAX_LENGTH))
          .describe('Where a 3xx answer pointed. It was not followed.'),
        next_attempt_at: z.nullable(moment),
      }),
    ),
    held_until: z.optional(moment).describe('While attempts are put off: when the next one is due.'),
  }),
);

export const Event = named(
  'Event',
  'The body of a webhook. Its bytes never change for one webhook-id.',
  z.strictObject({
    type: z.enum(['job.completed', 'job.failed', 'job.cancelled', 'job.expired']),
    timestamp: moment,
    data: JobData,
  }),
);

export const Health = named('Health', 'The API answers.', z.strictObject({ status: z.literal('ok') }));

export const Problem = named(
  'Problem',
  'A refusal, as RFC 9457 defines it.',
  z.strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.enum(Object.keys(PROBLEMS) as [keyof typeof PROBLEMS]),
    request_id: z.string(),
    errors: z.optional(
      z
        .array(z.strictObject({ pointer: z.string(), message: z.string() }))
        .describe('Every fault of the request, with a JSON Pointer (RFC 6901) into its body.'),
    ),
    job_id: z.optional(Id).describe('The id of a job whose creation is uncertain.'),
  }),
);

export const GatewayError = named(
  'GatewayError',
  'The answer of API Gateway itself, if it does not let a request through.',
  z.looseObject({ message: z.string() }),
);

interface Overridden {
  zodSchema: z.core.$ZodType;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}

/** A format says it all, and zod's pattern for it is half a page; of other patterns zod drops the flags. */
export function override({ zodSchema, jsonSchema }: Overridden): void {
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.pattern === undefined) return;
  for (const { _zod } of zodSchema._zod.def.checks ?? []) {
    const { pattern } = _zod.def as { pattern?: RegExp };
    if (pattern?.source === jsonSchema.pattern) jsonSchema.pattern = withoutFlags(pattern);
  }
}

function withoutFlags({ source, ignoreCase, dotAll }: RegExp): string {
  const letter = (found: string) => `[${found.toLowerCase()}${found.toUpperCase()}]`;
  const inAnyCase = ignoreCase ? source.replace(/(?<!\\)[a-z]/gi, letter) : source;
  return dotAll ? inAnyCase.replace(/(?<!\\)\./g, '[\\s\\S]') : inAnyCase;
}
