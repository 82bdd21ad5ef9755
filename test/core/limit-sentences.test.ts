import { describe, expect, it } from 'vitest';
import { readCreation } from '../../functions/core/upstream/read-answer.ts';

const context = { apiKey: 'sk-canary', now: 0 };

function readAnswer(status: number, body: unknown) {
  const text = Buffer.from(JSON.stringify(body));
  return readCreation({ kind: 'answered', status, headers: {}, body: text, isTruncated: false }, context);
}

/** As services of this kind say it. */
const FOR_NOW = [
  // At once.
  'Only three parallel queries per user are allowed.',
  'You have reached the maximum number of concurrent requests.',
  'Number of concurrent connections has exceeded your rate limit. Please try again later or contact sales.',
  'Too many concurrent requests. Your current subscription is associated with a maximum of 5 concurrent requests (running in parallel).',
  'Too many concurrent requests. Limit: 1 concurrent requests',
  'Too many concurrent streams',
  'Concurrency limit reached for requests',
  'request reached max organization concurrency: 1, please try again after 1 seconds',
  'High concurrency usage of this API, please reduce concurrency or contact customer service to increase limits',
  'A concurrency limit has been exceeded. Please wait for each request to return before submitting the next.',
  'parallel task over resource pack limit',
  'Max parallel request limit reached Limit: 1, current: 1',
  'Parallel requests limit for account: a1 breached. Limit: 30',
  'Open jobs exceed maximum concurrent job limit',
  'The maximum number of running executions has been reached. Running executions must end or be stopped before a new one.',
  'The maximum number of running tasks (2) has been reached, so I cannot accept a new one right now.',
  'You have exceeded the maximum number of in-progress and submitted batch inference jobs. Wait until a job has completed.',
  'User already has enough active or submitted jobs for their limit',
  'You already have active export requests in progress. Please wait until they complete before submitting a new one.',
  'A workspace is limited to 1000 active job runs.',
  "This fine-tune request has been rate-limited. Your organization has reached the maximum of 3 active requests (1 running, 2 pending) for the model 'gpt-3.5-turbo-0613'.",
  'Enqueued token limit reached for gpt-4o in organization org-x. Limit: 90,000 enqueued tokens. Please try again once some in_progress batches have been completed.',
  'server busy, please try again. maximum pending requests exceeded',
  'You can only run three queries at once.',
  'At most 3 jobs of a user may run at the same time.',
  'Zu viele parallele Anfragen.',
  'Es sind maximal 3 gleichzeitige Anfragen je Benutzer erlaubt.',
  'too_many_concurrent_requests',
  'concurrency_limit_exceeded',
  // In a time.
  'Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms.',
  'Rate limit reached for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Used 4416, Requested 5006.',
  'This request would exceed your organization’s rate limit of 50,000 input tokens per minute.',
  'Number of request tokens has exceeded your per-minute rate limit.',
  'Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit.',
  'Rate limit reached. You reached free usage limit (reset hourly).',
  'Max requests total reached on images-generations (per day).',
  'Requests to the ChatCompletions_Create Operation have exceeded the call rate limit of your current pricing tier.',
  'Requests to the Embeddings_Create Operation have exceeded token rate limit of your current AIServices S0 pricing tier.',
  'Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model with base model: gemini-pro.',
  "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service 'x.googleapis.com'.",
  'User Rate Limit Exceeded',
  'userRateLimitExceeded',
  'Rate exceeded',
  'ThrottlingException',
  'Too many requests, please wait before trying again.',
  'Too many tokens, please wait before trying again.',
  'Too many requests in route. Please try again later.',
  'too_many_requests',
  'Requests rate limit exceeded, please try again later.',
  'API rate limit exceeded',
  'You are using a Trial key, which is limited to 40 API calls / minute.',
  'You are past the per minute request limit, please wait and try again later.',
  'You have reached the rate limit specific to this model. The maximum rate limit for this model is 6.0 queries per minute.',
  'You have exceeded the rate limit of 150 requests within a 10 second period, and have been timed out for 60 seconds.',
  'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.',
  'You have reached your daily limit.',
  'Limit of 1000 jobs per day reached.',
];

/** The same words about what is asked for, and other refusals that waiting does not mend. */
const FOR_GOOD = [
  'max_tokens exceeds the limit of 4096',
  'max_tokens is too large: 32768. This model supports at most 16384 completion tokens, whereas you provided 32768.',
  'max_tokens: 30000 > 16000, which is the maximum allowed number of output tokens for this model',
  "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in the messages, 10000 in the completion). Please reduce the length of the messages or completion.",
  'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3474 `inputs` tokens and 60 `max_new_tokens`',
  'Input validation error: `inputs` must have less than 512 tokens. Given: 600',
  'prompt is too long: 210000 tokens > 200000 maximum',
  'input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens`',
  'messages: too many total text bytes: 10485761 > 9437184',
  'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
  'Input is too long for requested model.',
  'Request too large for the context length limit',
  'too many messages',
  'too many tokens',
  'at most 1000 conversations',
  'At most 1000 conversations per request at a time',
  'A job may hold at most 16 conversations in parallel.',
  'You can send at most 50 messages at once.',
  'Too many conversations in one request: 1001 > 1000',
  'Only one image per request is allowed at a time',
  'At most 1 image(s) may be provided in one request.',
  'Too many images: 12 > MAX_IMAGES=8.',
  'image too large',
  'messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6291456 bytes > 5242880 bytes',
  'The video of this request must have at most 30 frames per second.',
  'This model only supports single tool-calls at once!',
  'Parallel tool calls are not supported: at most one.',
  'The batch contains too many requests: 50001 > 50000',
  'List should have at most 1000 items after validation, not 1001',
  'String should have at most 1000 characters',
  'Request payload size exceeds the limit: 20971520 bytes.',
  'The number of parallel samples must be at most 4',
  'stop: at most 4 sequences are allowed',
  'temperature must be at most 1',
  'Your credit balance is too low. Please go to Plans & Billing to upgrade or purchase credits.',
  'You exceeded your current quota, please check your plan and billing details.',
  'You are not allowed to sample from this model',
  'Your plan is limited to text models.',
  'A job with this name already exists',
  'Paused',
  'Invalid message: "too many concurrent requests" is not polite',
  "Unknown role 'Rate limit reached'",
  'Model too_many_requests/rate_limit does not exist',
];

describe('of a refusal, the sentence says whether to wait:', () => {
  it.each(FOR_NOW)('for now: %s', (sentence) => {
    for (const status of [400, 402, 403, 409, 423, 429])
      expect(readAnswer(status, { detail: sentence })).toEqual({
        kind: 'unavailable',
        retryAfterSeconds: null,
        sentence,
      });
  });

  it.each(FOR_GOOD)('not: %s', (sentence) => {
    const kinds = [400, 402, 403, 409, 423].map((status) => readAnswer(status, { detail: sentence }).kind);
    expect(kinds).toEqual(['invalid', 'refused', 'credentials_refused', 'refused', 'refused']);
  });
});
