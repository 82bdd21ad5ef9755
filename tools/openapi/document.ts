import * as z from 'zod';
import { PROBLEMS, type ProblemCode, TITLES } from '../../functions/core/http/problem.ts';
import { REDELIVERIES_MAX, ROUND_GAP_SECONDS, ROUNDS_MAX } from '../../functions/core/http/redelivery.ts';
import { type Operation, ROUTES, type Route } from '../../functions/core/http/routes.ts';
import { UNUSED_MAX } from '../../functions/core/uploads.ts';
import {
  Deliveries,
  Empty,
  Event,
  GatewayError,
  Health,
  Id,
  Job,
  JobList,
  ListQuery,
  override,
  Problem,
  Redeliveries,
  RedeliveriesBegun,
  Redelivery,
  Results,
  ResultsLink,
  Submission,
  schemas,
  Upload,
  UploadRequest,
} from './schemas.ts';

interface Description {
  summary: string;
  description?: string;
  parameters?: object[];
  requestBody?: object;
  /** What it answers when all is well. */
  answers: Record<number, object>;
  /** How it refuses, beyond what every call may. */
  problems: ProblemCode[];
}

/** Statuses that the gateway may answer with in our stead. */
const OF_GATEWAY = [413, 429];
const SECONDS = { type: 'integer', minimum: 1 };
const SHOWN = {
  'Retry-After': header(
    'Seconds until the job is polled next, or until it is worth asking about a queued one; absent once it has finished.',
    SECONDS,
  ),
};
const REFUSED: Record<number, object> = {
  401: { 'WWW-Authenticate': { ...header('"Bearer".'), required: true } },
  409: { 'Retry-After': header('Seconds until another try may succeed, if that is soon.', SECONDS) },
  429: {
    'Retry-After': header(
      'Seconds until another redelivery or upload may be allowed; absent when the job has had all of its redeliveries.',
      SECONDS,
    ),
  },
  503: { 'Retry-After': { ...header('Seconds until another try may succeed.', SECONDS), required: true } },
  504: {
    'x-should-retry': {
      ...header('"false": clients that retry a 504 automatically, such as OpenAI\'s, obey it.'),
      required: true,
    },
  },
};
const BODY_PROBLEMS = ['invalid_request', 'too_large', 'unsupported_media_type'] as const;
const jobAnswer = (description: string, headers: object = SHOWN) => ({ description, headers, ...json(Job) });

const OPERATIONS: Record<Operation, Description> = {
  submit: {
    summary: 'Submit a job',
    description:
      'A request body of ModelStudio works here. If ModelStudio does not take the job now, it is queued and created later. A create whose outcome is unknown is never repeated, unless on_unknown says so: the answer is 504 with the job_id. A client that retries automatically must send an Idempotency-Key, or each retry is another job.',
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'The same key and request get the same job, whatever happened to the first answer. It must have no comma, which joins repeated headers.',
        schema: { type: 'string', pattern: '^[!-+\\--~]{1,255}$' },
      },
      {
        name: 'traceparent',
        in: 'header',
        description:
          'W3C Trace Context: the job belongs to this trace, and so do the calls that are made for it, to ModelStudio and to the receiver of its webhook. A malformed one is ignored.',
        schema: { type: 'string' },
      },
      {
        name: 'tracestate',
        in: 'header',
        description:
          'Goes along to the receiver of the webhook if the deployment is set up for that; up to 512 characters.',
        schema: { type: 'string' },
      },
    ],
    requestBody: { required: true, ...json(Submission) },
    answers: {
      202: jobAnswer('The job.', {
        ...SHOWN,
        Location: { ...header('Path of the job.'), required: true },
        'Idempotency-Replayed': header(
          '"true" if an earlier request with this Idempotency-Key created the job.',
        ),
      }),
    },
    problems: [
      ...BODY_PROBLEMS,
      ...([
        'modelstudio_invalid_request',
        'model_not_found',
        'upload_not_found',
        'upload_incomplete',
        'submission_in_progress',
      ] as const),
      ...(['job_deleted', 'idempotency_key_reused', 'modelstudio_rejected', 'modelstudio_refused'] as const),
      'modelstudio_unavailable',
      'submission_unknown',
    ],
  },
  list: {
    summary: "List the client's jobs",
    description:
      'A page may have fewer jobs than its limit, even none, and still a next_cursor. The list may be a moment behind: a job that was created just now may be missing, or be shown as it was before. A job that is temporarily `job_unavailable` is left out.',
    parameters: Object.entries(ListQuery).map(([name, schema]) => ({
      name,
      in: 'query',
      schema: inline(schema),
    })),
    answers: { 200: { description: 'A page of jobs.', ...json(JobList) } },
    problems: ['invalid_request'],
  },
  job: {
    summary: 'Read a job',
    answers: { 200: jobAnswer('The job.') },
    problems: ['not_found'],
  },
  results: {
    summary: 'Read the results of a job',
    description:
      'Large results are stored elsewhere, and the answer is a redirect. Clients that forward the Authorization header to another host are refused there: Java HttpClient, Python urllib, PHP streams, Ruby open-uri, Perl LWP, wget --header. With redirect=false they get the URL instead, to fetch without the header.',
    parameters: [
      {
        name: 'redirect',
        in: 'query',
        description: '"false": a ResultsLink instead of a redirect.',
        schema: { type: 'string' },
      },
    ],
    answers: {
      200: { description: 'The results, or where they are.', ...json(Results, ResultsLink) },
      307: {
        description: 'The results are stored elsewhere.',
        headers: { Location: { ...header('Valid for 15 minutes.'), required: true } },
      },
    },
    problems: ['not_found', 'not_finished'],
  },
  cancel: {
    summary: 'Cancel a job',
    description:
      'ModelStudio cannot cancel, so only the tracking stops. Cancelling a cancelled job changes nothing. A body, if there is one, must be an empty object.',
    requestBody: { required: false, ...json(Empty) },
    answers: { 200: jobAnswer('The cancelled job.', {}) },
    problems: ['not_found', 'not_cancellable', ...BODY_PROBLEMS],
  },
  delete: {
    summary: 'Delete a job',
    description:
      'Deletes a finished job, its event and its results at once; it then reads as 404. Its Idempotency-Key stays used until the job would have been deleted anyway. A job whose webhook is still pending cannot be deleted.',
    answers: { 204: { description: 'The job is deleted.' } },
    problems: ['not_found', 'not_deletable'],
  },
  deliveries: {
    summary: "List the attempts to deliver a job's webhook",
    answers: { 200: { description: 'The attempts.', ...json(Deliveries) } },
    problems: ['not_found'],
  },
  redeliver: {
    summary: "Deliver a job's webhook again",
    description:
      'Begins the whole schedule of attempts again, with the same webhook-id and body, and a new timestamp and signature. ' +
      `Allowed ${ROUND_GAP_SECONDS} seconds after the last redelivery, and ${ROUNDS_MAX} times per job.`,
    requestBody: { required: false, ...json(Redelivery) },
    answers: { 202: jobAnswer('The job, with its webhook pending.', {}) },
    problems: ['not_found', 'not_finished', 'not_redeliverable', ...BODY_PROBLEMS, 'too_many_redeliveries'],
  },
  redeliveries: {
    summary: 'Deliver many webhooks again',
    description:
      `Redelivers the client's webhooks with this status, up to ${REDELIVERIES_MAX} a request, newest jobs first: repeat it with the next_cursor until that is null. ` +
      'Those that may not be redelivered now are skipped. The first attempts are spread over time: a host gets five a second. It is safe to repeat: nothing is redelivered twice within a minute.',
    requestBody: { required: true, ...json(Redeliveries) },
    answers: { 202: { description: 'What was begun.', ...json(RedeliveriesBegun) } },
    problems: [...BODY_PROBLEMS],
  },
  upload: {
    summary: 'Begin an upload',
    description:
      'Says where to send a file of conversations that is too large for a body: by PUT, with the headers of the answer and no key, of exactly the length that was given. The URL takes one file, once: 200 says that it has, 412 that it had already, and after a failure it may be sent again. ' +
      'With the hash of the file, the same request gets the same upload, as long as there is one. ' +
      `A client may have ${UNUSED_MAX} uploads that no job has named yet, and 5 GiB in all. An upload is deleted a day after the last job that named it has ended, or a day after it was asked for.`,
    requestBody: { required: true, ...json(UploadRequest) },
    answers: { 201: { description: 'Where to send the file.', ...json(Upload) } },
    problems: [...BODY_PROBLEMS, 'too_many_uploads'],
  },
  deleteUpload: {
    summary: 'Delete an upload',
    description:
      'Deletes the file, too, if it was sent. Not while a job that names it has not finished, nor, if 16 jobs have named it, before all of them must have expired.',
    answers: { 204: { description: 'The upload is deleted.' } },
    problems: ['upload_not_found', 'not_deletable'],
  },
  health: {
    summary: 'Whether the API answers',
    answers: { 200: { description: 'The API answers.', ...json(Health) } },
    problems: [],
  },
  openapi: {
    summary: 'This document',
    answers: {
      200: { description: 'OpenAPI 3.1.', content: { 'application/json': { schema: { type: 'object' } } } },
    },
    problems: [],
  },
};

/**
 * The API as an OpenAPI 3.1 document, made of the routes and schemas that the functions themselves use.
 * @param version of the product
 */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of ROUTES) {
    const path = route.path.replace('*', `{${idNameIn(route)}}`);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'ModelStudio jobs',
      version,
      description: 'Submit a ModelStudio generation job and get one signed webhook when it has finished.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ clientKey: [] }],
    paths,
    webhooks: { job: { post: webhook() } },
    components: {
      securitySchemes: { clientKey: { type: 'http', scheme: 'bearer', bearerFormat: 'msj_<id>_<secret>' } },
      schemas: components(),
    },
  };
}

const idNameIn = ({ path }: Route) => (path.includes('uploads') ? 'upload_id' : 'job_id');

function operationOf(route: Route): object {
  const { operation, path, scope } = route;
  const { summary, description, parameters = [], requestBody, answers, problems } = OPERATIONS[operation];
  const id = { name: idNameIn(route), in: 'path', required: true, schema: inline(Id) };
  const all: ProblemCode[] = scope ? ['unauthenticated', 'insufficient_scope', ...problems] : problems;
  const ofOneJob: ProblemCode[] = path.includes('*') || operation === 'submit' ? ['job_unavailable'] : [];
  return {
    operationId: operation,
    summary,
    ...(description && { description }),
    ...(scope
      ? { description: `${description ? `${description} ` : ''}Needs the scope ${scope}.` }
      : { security: [] }),
    parameters: [...(path.includes('*') ? [id] : []), ...parameters],
    ...(requestBody && { requestBody }),
    responses: { ...answers, ...refusals([...all, ...ofOneJob, 'internal_error']) },
  };
}

function refusals(codes: ProblemCode[]): Record<number, { description: string; content: object }> {
  const byStatus: Record<number, { description: string; content: object }> = {};
  for (const status of new Set(codes.map((code) => PROBLEMS[code][0]))) {
    const ofStatus = codes.filter((code) => PROBLEMS[code][0] === status);
    const sentences = ofStatus.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`);
    byStatus[status] = {
      description: `${TITLES[status]}. ${sentences.join(' ')}`,
      ...(REFUSED[status] && { headers: REFUSED[status] }),
      content: {
        'application/problem+json': { schema: ref(Problem) },
        ...(OF_GATEWAY.includes(status) && { 'application/json': { schema: ref(GatewayError) } }),
      },
    };
  }
  const throttle = "the gateway's throttle.";
  const { [429]: own } = byStatus;
  byStatus[429] = own
    ? { ...own, description: `${own.description} Or ${throttle}` }
    : { description: `Too Many Requests: ${throttle}`, ...json(GatewayError) };
  return byStatus;
}

function webhook(): object {
  const headers = {
    'webhook-id': 'The same for every attempt, so that receivers can drop repeats.',
    'webhook-timestamp': 'Unix seconds of this attempt.',
    'webhook-signature':
      '"v1," and the base64 of the HMAC-SHA256 of "id.timestamp.body"; one for each secret of the client that is alive.',
    traceparent: "W3C Trace Context: the trace of the submission or, if that had none, of the job's own.",
  };
  return {
    operationId: 'onJobFinished',
    summary: 'A job has finished',
    description:
      'Signed as Standard Webhooks defines. It comes at least once, and webhooks come in no particular order.',
    parameters: Object.entries(headers).map(([name, description]) => ({
      ...{ name, in: 'header', required: true, description },
      schema: { type: 'string' },
    })),
    requestBody: { required: true, ...json(Event) },
    security: [],
    responses: {
      '2XX': { description: 'Accepted, if it comes within 15 s.' },
      410: { description: 'No more attempts, please.' },
      default: {
        description: 'It is tried again later; 429 and 503 may ask for a longer wait with Retry-After.',
      },
    },
  };
}

function header(description: string, schema: object = { type: 'string' }): object {
  return { description, schema };
}

function json(...schemas: z.core.$ZodType[]): { content: object } {
  const [only, ...others] = schemas.map(ref);
  const schema = others.length === 0 ? only : { anyOf: [only, ...others] };
  return { content: { 'application/json': { schema } } };
}

function ref(schema: z.core.$ZodType): object {
  return { $ref: `#/components/schemas/${schemas.get(schema)?.id}` };
}

function components(): object {
  const uri = (id: string) => `#/components/schemas/${id}`;
  const all = z.toJSONSchema(schemas, { uri, io: 'input', override }).schemas;
  return Object.fromEntries(
    Object.entries(all).map(([id, { $schema, $id, id: _, ...schema }]) => [id, schema]),
  );
}

function inline(schema: z.core.$ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', override });
  return rest;
}
