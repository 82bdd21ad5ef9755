import { randomUUID } from 'node:crypto';
import { type Dialect, dialectNamed, spellCreated, spellReport } from './dialects.ts';
import { type Answer, errorAnswer, type Fault, hasEffect } from './faults.ts';
import { type Job, type Model, reportOn } from './models.ts';
import { repliesTo } from './reply.ts';
import { parseCreate } from './request.ts';

export type Settings = {
  organizationId: string;
  /** Asked at every request, as keys are rotated. */
  apiKey: () => string;
  models: ReadonlyMap<string, Model>;
  dialect: Dialect;
  /** Milliseconds since 1970. */
  clock: () => number;
};

export type ApiRequest = {
  method: string;
  path: string;
  authorization: string | undefined;
  /** null when it was too large to be read. */
  body: Uint8Array | null;
};

/** What to answer, and what happens to that answer on its way. */
export type Outcome = { answer: Answer; fault: Fault | null };

/** Tasks take the memory, not jobs: beyond this many the oldest jobs are forgotten. */
const TASKS_KEPT_MAX = 100_000;
const PATH = /^\/api\/v1\/organizations\/([^/]+)\/generate(?:\/([^/]+))?$/;
const NO_JOB = errorAnswer(404, 'Job not found.');

export type Api = { respond: (request: ApiRequest) => Outcome; creates: () => number };

export function createApi(settings: Settings): Api {
  const jobs = new Map<string, Job>();
  const createCalls = new Map<string, number>();
  let creates = 0;
  let tasksKept = 0;

  function respond(request: ApiRequest): Outcome {
    const [, organizationId, jobId] = PATH.exec(request.path) ?? [];
    if (organizationId === undefined) return certain(errorAnswer(404, 'There is nothing at this path.'));
    const allowed = jobId === undefined ? 'POST' : 'GET';
    if (request.method !== allowed) {
      return certain(errorAnswer(405, `Use ${allowed} here.`, { Allow: allowed }));
    }
    const refusal = refusalOfKey(settings, request.authorization, organizationId);
    if (refusal) return certain(refusal);
    return jobId === undefined ? create(request.body) : status(jobId);
  }

  function create(body: Uint8Array | null): Outcome {
    if (body === null) return certain(errorAnswer(413, 'The body is too large.'));
    const request = parseCreate(body);
    if ('refusal' in request) return certain(errorAnswer(400, request.refusal));
    const model = settings.models.get(request.model_id);
    if (!model) return certain(errorAnswer(404, `Model not found: ${request.model_id.slice(0, 200)}.`));
    for (const [index, conversation] of request.messages.entries()) {
      const reason = model.refuses?.(conversation) ?? null;
      if (reason !== null) return certain(errorAnswer(400, `messages[${index}] ${reason}.`));
    }
    const replies = repliesTo(request);
    if ('refusal' in replies) return certain(errorAnswer(400, replies.refusal));

    const calls = createCalls.get(request.model_id) ?? 0;
    createCalls.set(request.model_id, calls + 1);
    const fault = inTurn(model.rota?.create, calls);
    if (!hasEffect(fault)) return { answer: NO_JOB, fault };
    const dialect = dialectOf(model);
    const id = dialect.jobId?.(creates) ?? `job_${randomUUID()}`;
    const job = { id, model, createdAt: settings.clock(), replies, statusCalls: 0 };
    keep(job);
    const message = `Generation job with ${replies.length} task(s) created.`;
    const created = spellCreated({ job_id: id, status: 'CREATED', message }, dialect);
    return { answer: { status: 200, body: created }, fault };
  }

  function dialectOf(model: Model): Dialect {
    return model.dialect === undefined ? settings.dialect : dialectNamed(model.dialect);
  }

  function keep(job: Job): void {
    creates += 1;
    jobs.set(job.id, job);
    tasksKept += job.replies.length;
    for (const oldest of jobs.values()) {
      if (tasksKept <= TASKS_KEPT_MAX || oldest === job) break;
      jobs.delete(oldest.id);
      tasksKept -= oldest.replies.length;
    }
  }

  function status(jobId: string): Outcome {
    const job = jobs.get(jobId);
    if (!job) return certain(NO_JOB);
    const fault = inTurn(job.model.rota?.status, job.statusCalls);
    job.statusCalls += 1;
    const report = reportOn(job, settings.clock());
    return { answer: { status: 200, body: spellReport(report, dialectOf(job.model)) }, fault };
  }

  return { respond, creates: () => creates };
}

function certain(answer: Answer): Outcome {
  return { answer, fault: null };
}

function inTurn(rota: readonly (Fault | null)[] | undefined, calls: number): Fault | null {
  return rota?.[calls % rota.length] ?? null;
}

function refusalOfKey(settings: Settings, authorization = '', organizationId: string): Answer | null {
  const challenge = { 'WWW-Authenticate': 'Bearer' };
  const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  if (key === undefined)
    return errorAnswer(401, 'An API key is needed: Authorization: Bearer <key>.', challenge);
  if (key !== settings.apiKey()) return errorAnswer(401, 'This API key is not valid.', challenge);
  if (organizationId !== settings.organizationId) {
    return errorAnswer(403, 'This API key does not belong to this organization.');
  }
  return null;
}
