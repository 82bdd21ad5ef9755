// Generated from the OpenAPI document by `npm run openapi`: change the schemas instead.

/** A request of ModelStudio's, and where to send its results. Unknown fields are refused. */
export type Submission = {
  model_id: string;
  /** 1 to 50000 conversations, each an array of messages; the results come in their order. */
  messages?: Array<Array<{
    role: "system" | "user" | "assistant";
    content: string | Array<{
      type: "text";
      text: string;
    } | {
      type: "image_url";
      image_url: {
        url: string;
      };
    }>;
    refusal?: null | Array<unknown>;
    annotations?: null | Array<unknown>;
    audio?: null | Array<unknown>;
    function_call?: null | Array<unknown>;
    tool_calls?: null | Array<unknown>;
  }>>;
  temperature?: number | null;
  max_tokens?: number | null;
  /** Instead of messages, the id of an upload. The job is queued until its file has been read; faults in it end the job as `invalid_input`. */
  messages_from?: string;
  /** https, on port 443 unless configured otherwise, at a public DNS name. Null: no webhook, whatever the default is. */
  webhook_url?: string | null;
  /** Instead of webhook_url, the name of a queue or a bus that the operator has set up for the client. Null: none, whatever the default is. */
  destination?: string | null;
  /** Returned as given; null means none. */
  metadata?: {
    [name: string]: string;
  } | null;
  expires_in?: number | null;
  /** How many seconds the job may wait for ModelStudio to take it; null is what the deployment has set. With 0 it does not wait, and the answer is a 503. */
  queue_for?: number | null;
  /** What happens if ModelStudio does not say whether it has created the job. With `resubmit`, which a deployment must allow, it is created again, three times at most, and may be billed more than once. */
  on_unknown?: "fail" | "resubmit" | null;
  /** How often conversations that ModelStudio reports as failed are given to it again, those alone. Only a job that may be queued can have any. */
  task_retries?: number | null;
};

/** The body may be left out. */
export type Redelivery = {
  /** Where to send it, as in a submission; it is the job's webhook_url from then on. Not for a job with a destination. */
  webhook_url?: string;
};

/** Which webhooks to deliver again. */
export type Redeliveries = {
  /** How their delivery has ended. */
  webhook_status: "exhausted" | "gone" | "blocked";
  /** Only of jobs that were created after this. */
  created_after?: string | null;
  /** Only of jobs that were created before this. */
  created_before?: string | null;
  /** The next_cursor of the previous answer. Null begins with the newest job. */
  cursor?: string | null;
};

/** How many webhooks are being delivered again. */
export type RedeliveriesBegun = {
  count: number;
  /** For the next request; null if there are no more. */
  next_cursor: string | null;
};

/** What is to be uploaded. */
export type UploadRequest = {
  /** The length of the file. */
  bytes: number;
  /** `json`: an array of conversations, as in `messages`. `jsonl`: a conversation a line, as an array of messages or as an object that has it as its `messages`, as in files for fine-tuning. */
  format: "json" | "jsonl";
  sha256?: string | null;
};

/** Where to send the file. */
export type Upload = {
  upload_id: string;
  method: "PUT";
  /** Null if the file is there already. Send no key to this URL. */
  url: string | null;
  /** What to send with the file, to the letter; all other headers are free. */
  headers: {
    [name: string]: string;
  } | null;
  /** When the URL can no longer be used. */
  expires_at: string | null;
};

/** An object without any fields. The body may be left out. */
export type Empty = Record<string, never>;

/** What ModelStudio gave for one conversation, unchanged. */
export type Result = {
  /** The place of the conversation in the request, from 0. */
  task_index?: number;
  /** ModelStudio's word, such as completed or failed. */
  status?: string;
  /** The text that was generated. */
  result?: string | null;
  /** Why there is no text. */
  error?: string | {
    [name: string]: unknown;
  } | null;
  /** How often it was given to ModelStudio, if its `task_retries` were used. */
  attempts?: number;
  [name: string]: unknown;
};

/** One result for each conversation, in their order. */
export type Results = Array<Result>;

/** Where to fetch results that are too large for an answer. Send no key to this URL. */
export type ResultsLink = {
  url: string;
  expires_at: string;
};

/** The delivery of a job's webhook. */
export type Webhook = {
  id: string;
  /** Of a job with a destination, its name. */
  url: string;
  status: "pending" | "delivered" | "exhausted" | "gone" | "blocked";
  attempts: number;
  last_attempt_at: string | null;
  /** HTTP status of the last answer; null if there was none, and for a destination. */
  last_status: number | null;
  next_attempt_at: string | null;
  /** Set while attempts are put off because the receiver hangs: when the next one is due. */
  held_until: string | null;
};

/** A job. */
export type Job = {
  job_id: string;
  /** A queued job waits for ModelStudio to take it. A terminal status never changes. */
  status: "queued" | "submitting" | "running" | "completed" | "failed" | "cancelled" | "expired";
  model_id: string;
  /** Null until an upload has been read. */
  total_tasks: number | null;
  /** Tasks that have ended, including the failed ones. */
  completed_tasks: number;
  /** The completed_tasks without a result. */
  failed_tasks: number;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
  /** When the job expires. */
  expires_at: string;
  /** Of a queued job: when it fails with `never_submitted` if ModelStudio has not taken it. */
  queued_until?: string;
  /** How often ModelStudio was asked to create it, if `on_unknown` is `resubmit`. */
  submissions?: number;
  metadata: {
    [name: string]: string;
  };
  /** Present once the job has finished, if they are small enough. */
  results: Results | null;
  /** Where the results are if they are not here. */
  results_url: string | null;
  /** Why the job has not completed. The message of a failure ends with ModelStudio's own sentence, if it gave one. */
  error: {
    /** `modelstudio_job_failed`, `modelstudio_job_cancelled` (at ModelStudio, by somebody else), `modelstudio_job_missing`, `results_too_large`, `results_unreadable`, `submission_unknown`, `never_submitted` (nothing was created), `invalid_input` (of an upload, or of too many parts; nothing was created), `expired` or, of a job that was queued, `modelstudio_invalid_request` or `model_not_found`. */
    code: string;
    message: string;
    /** Of `invalid_input`: the first 20 faults, by line or by JSON Pointer. */
    details?: Array<{
      line?: number;
      pointer?: string;
      message: string;
    }>;
  } | null;
  webhook: Webhook | null;
};

/** A job without its webhook. */
export type JobData = {
  job_id: string;
  /** A queued job waits for ModelStudio to take it. A terminal status never changes. */
  status: "queued" | "submitting" | "running" | "completed" | "failed" | "cancelled" | "expired";
  model_id: string;
  /** Null until an upload has been read. */
  total_tasks: number | null;
  /** Tasks that have ended, including the failed ones. */
  completed_tasks: number;
  /** The completed_tasks without a result. */
  failed_tasks: number;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
  /** When the job expires. */
  expires_at: string;
  /** Of a queued job: when it fails with `never_submitted` if ModelStudio has not taken it. */
  queued_until?: string;
  /** How often ModelStudio was asked to create it, if `on_unknown` is `resubmit`. */
  submissions?: number;
  metadata: {
    [name: string]: string;
  };
  /** Present once the job has finished, if they are small enough. */
  results: Results | null;
  /** Where the results are if they are not here. */
  results_url: string | null;
  /** Why the job has not completed. The message of a failure ends with ModelStudio's own sentence, if it gave one. */
  error: {
    /** `modelstudio_job_failed`, `modelstudio_job_cancelled` (at ModelStudio, by somebody else), `modelstudio_job_missing`, `results_too_large`, `results_unreadable`, `submission_unknown`, `never_submitted` (nothing was created), `invalid_input` (of an upload, or of too many parts; nothing was created), `expired` or, of a job that was queued, `modelstudio_invalid_request` or `model_not_found`. */
    code: string;
    message: string;
    /** Of `invalid_input`: the first 20 faults, by line or by JSON Pointer. */
    details?: Array<{
      line?: number;
      pointer?: string;
      message: string;
    }>;
  } | null;
};

/** Jobs without their results, the newest first. */
export type JobList = {
  jobs: Array<Job>;
  /** For the next page; null if there is none. */
  next_cursor: string | null;
};

/** The latest 100 attempts to deliver a job's webhook, the oldest first. */
export type Deliveries = {
  deliveries: Array<{
    attempt: number;
    at: string;
    /** HTTP status of the answer; null if there was none, and for a destination. */
    status: number | null;
    duration_ms: number;
    /** Why there was no answer, or a destination has not taken it; docs/webhooks.md explains each. */
    error: "dns" | "connection_failed" | "tls" | "connection_reset" | "invalid_response" | "timeout" | "throttled" | "unavailable" | "blocked" | "denied" | "gone" | "refused" | null;
    /** Where a 3xx answer pointed. It was not followed. */
    location: string | null;
    next_attempt_at: string | null;
  }>;
  /** While attempts are put off: when the next one is due. */
  held_until?: string;
};

/** The body of a webhook. Its bytes never change for one webhook-id. */
export type Event = {
  type: "job.completed" | "job.failed" | "job.cancelled" | "job.expired";
  timestamp: string;
  data: JobData;
};

/** The API answers. */
export type Health = {
  status: "ok";
};

/** A refusal, as RFC 9457 defines it. */
export type Problem = {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: "invalid_request" | "modelstudio_invalid_request" | "unauthenticated" | "insufficient_scope" | "not_found" | "model_not_found" | "upload_not_found" | "method_not_allowed" | "submission_in_progress" | "not_cancellable" | "not_finished" | "not_redeliverable" | "not_deletable" | "upload_incomplete" | "job_deleted" | "too_large" | "unsupported_media_type" | "idempotency_key_reused" | "too_many_redeliveries" | "too_many_uploads" | "internal_error" | "modelstudio_rejected" | "modelstudio_refused" | "modelstudio_unavailable" | "job_unavailable" | "submission_unknown";
  request_id: string;
  /** Every fault of the request, with a JSON Pointer (RFC 6901) into its body. */
  errors?: Array<{
    pointer: string;
    message: string;
  }>;
  /** The id of a job whose creation is uncertain. */
  job_id?: string;
};

/** The answer of API Gateway itself, if it does not let a request through. */
export type GatewayError = {
  message: string;
  [name: string]: unknown;
};
