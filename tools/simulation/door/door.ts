import { createHash } from 'node:crypto';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { ClientKey } from '../../../functions/core/http/client-key.ts';
import type { Answer } from '../../../functions/core/http/request-answer.ts';
import type { Job, Millis } from '../../../functions/core/job.ts';
import { endOfLife } from '../../../functions/core/retention.ts';
import type { ApiRequest } from '../../../test/cloud/handlers.ts';
import type { Invocation } from '../invocation.ts';
import { must } from '../judge.ts';
import type { Simulation } from '../simulation.ts';
import { readAnswer, type Said } from './answer.ts';
import { verdictOn } from './create.ts';
import { judgeJobAnswer, judgeRedelivered, judgeRedeliveries } from './jobs.ts';
import { judgeList } from './list.ts';
import { judgeNothingDone, type Known, type Model } from './model.ts';
import { type Routed, routeOf } from './request.ts';
import { judgeInserted, judgeRemoved, judgeStarted } from './rows.ts';
import { judgeSubmission } from './submit.ts';
import type { Visit } from './visit.ts';

/** As long as the contract grants. */
const REVOCATION_MILLIS = 60_000;
/** Under so many lost races, a request gives up. */
const CONFLICTS_MAX = 5;

interface Version {
  /** Null: there is no row. */
  job: Job | 'deleted' | null;
  from: Millis;
  until: Millis;
}

const SCOPES: Partial<Record<NonNullable<Routed['operation']>, string>> = {
  submit: 'jobs:write',
  cancel: 'jobs:write',
  redeliver: 'jobs:write',
  redeliveries: 'jobs:write',
  delete: 'jobs:write',
};

/**
 * The API by its contract alone: which answers a request may get, with what has happened to it, and what must be in the world
 * when it has been answered. It knows all versions of each row and when they were there, so that of two that race, either may win.
 */
export class Door implements Model {
  readonly sim: Simulation;
  readonly known: Known;
  /** How far a function's clock may be off in this run. */
  readonly skewMillis: Millis;
  /** What each job was asked for by. */
  readonly wanted = new Map<string, string>();
  readonly paced = new Map<string, Set<Millis>>();
  readonly #jobIds = new Map<string, string>();
  /** Of the clients' keys. */
  readonly #hashes = new Map<string, string>();
  readonly #versions = new Map<string, Version[]>();

  constructor(sim: Simulation, known: Known) {
    this.sim = sim;
    this.known = known;
    this.skewMillis = sim.faults.skewMillis;
  }

  get now(): Millis {
    return this.sim.now;
  }

  enter(name: 'submit' | 'jobs', request: ApiRequest, requestId: string): Visit {
    const key = this.#keyOf(request.headers['authorization'] ?? '');
    return {
      request,
      requestId,
      name,
      routed: routeOf(request),
      startedAt: this.now,
      client: key?.client ?? '',
    };
  }

  /** The job that a client's key stands for. */
  jobIdOf(client: string, key: string): string | undefined {
    return this.#jobIds.get(`${client} ${key}`);
  }

  /** A row has been written, or is gone. */
  wrote(jobId: string, written: Job | 'deleted' | null): void {
    const versions = this.#versions.get(jobId) ?? [{ job: null, from: 0, until: Number.POSITIVE_INFINITY }];
    this.#versions.set(jobId, versions);
    const last = versions.at(-1) as Version;
    last.until = this.now;
    versions.push({ job: written, from: this.now, until: Number.POSITIVE_INFINITY });
    const invocation = this.sim.acting?.invocationOrNull;
    if (!invocation?.visit) return;
    const { visit } = invocation;
    const before = asSeen(this.#isOver(last.job) ? null : last.job);
    const after = asSeen(written);
    invocation.rows.push({ before, after });
    if (visit.name === 'submit') {
      if (after === null) judgeRemoved(jobId, invocation);
      else if (before === null) this.#inserted(after, visit);
      else if (after.status === 'running') judgeStarted(after, visit, invocation);
    } else if (before && after && visit.routed.operation?.startsWith('redeliver'))
      judgeRedelivered(before, after, visit, this);
  }

  /** Its key is free, though its row may be there. */
  #isOver(job: Version['job']): boolean {
    return (
      job !== null && job !== 'deleted' && endOfLife(job, this.sim.scene.retentionDays) * 1000 <= this.now
    );
  }

  #inserted(row: Job, visit: Visit): void {
    const { 'idempotency-key': key } = visit.request.headers;
    if (key !== undefined) this.#jobIds.set(`${row.client} ${key}`, row.jobId);
    judgeInserted(row, visit, this);
  }

  /** What a job has been at some moment since; null: not there. */
  since(jobId: string, from: Millis): (Job | null)[] {
    return this.keySince(jobId, from).map(asSeen);
  }

  keySince(jobId: string, from: Millis): Version['job'][] {
    const versions = this.#versions.get(jobId) ?? [];
    const first = versions.findLastIndex(({ from: begun }) => begun < from);
    const alive = versions.slice(Math.max(0, first)).map(({ job }) => job);
    return alive.length > 0 ? alive : [null];
  }

  /** The same of a client's own, as who asks may see it. */
  ownSince(jobId: string, { client, startedAt }: Visit): (Job | null)[] {
    const rows = this.since(jobId, startedAt);
    return rows.flatMap((job) => (job?.client === client ? this.#whileKept(job) : [null]));
  }

  /** After its time to live, a row is as good as gone. */
  #whileKept(job: Job): (Job | null)[] {
    const slack = this.skewMillis + 1000;
    const endsAt = endOfLife(job, this.sim.scene.retentionDays) * 1000;
    return endsAt > this.now + slack ? [job] : [job, null];
  }

  judge(visit: Visit, given: Answer, invocation: Invocation) {
    const { request, routed } = visit;
    const said = readAnswer(given, visit.requestId, request.method === 'HEAD');
    this.#judgeCalls(visit, invocation);
    if (said.status === 500) return this.#judgeError(visit, said, invocation);
    // A request by HEAD is told no code, and its function has no other 503 for it.
    const isUnavailable =
      said.code === 'job_unavailable' || (request.method === 'HEAD' && said.status === 503);
    if (isUnavailable) return this.#judgeUnavailable(request, invocation);
    const early = this.#earlyRefusal(visit, said);
    if (early !== null) {
      must(
        said.status === early.status && (said.code === early.code || request.method === 'HEAD'),
        'I10',
        () =>
          `${request.method} ${request.path} is answered with ${said.status} ${said.code}, not ${early.code}`,
      );
      if (early.code === 'method_not_allowed') {
        const { allow } = said.headers;
        must(allow === routed.allow, 'I10', () => `${request.path} allows ${allow}, not ${routed.allow}`);
      }
      this.#judgeKeyRefused(visit, early.code, invocation);
      return judgeNothingDone(visit, invocation);
    }
    if (routed.operation === 'open')
      return must(said.status === 200, 'I10', () => `${request.path} answers ${said.status}`);
    if (routed.operation === 'submit') return judgeSubmission(visit, said, invocation, this);
    if (request.method !== 'POST' && request.method !== 'DELETE') judgeNothingDone(visit, invocation);
    if (routed.operation === 'redeliveries') return judgeRedeliveries(visit, said, invocation, this);
    if (routed.operation === 'list') return judgeList(visit, said, this);
    judgeJobAnswer(visit, said, invocation, this);
  }

  /** Each refusal of a key is counted, by why it was refused. */
  #judgeKeyRefused({ request }: Visit, code: string, { told }: Invocation): void {
    const counted = told.filter(({ metrics }) => metrics.KeysRefused === 1);
    const isKey = code === 'unauthenticated';
    must(
      counted.length === Number(isKey),
      'I10',
      () => `${code} is counted as ${counted.length} keys refused`,
    );
    if (!isKey) return;
    const { authorization = '' } = request.headers;
    const isForm = /^Bearer +msj_[a-z0-9]+_[\w-]+$/i.test(authorization);
    const why = isForm ? (this.#keyOf(authorization) ? 'revoked_key' : 'unknown_key') : 'no_key';
    const outcome = counted[0]?.facts.outcome;
    must(outcome === why, 'I10', () => `a request with ${why} is counted as one with ${outcome}`);
  }

  /** A release cannot answer for what a later one has written: for which jobs, the onlookers judge. */
  #judgeUnavailable({ method, path }: ApiRequest, { release }: Invocation) {
    const isRight = this.sim.rollout !== null && release !== 'later';
    must(isRight, 'I25', () => `${method} ${path} must wait for a later release than the ${release}`);
  }

  /** A request is answered with an error only when a call of its own has failed, or it has lost race after race. */
  #judgeError(visit: Visit, { code }: Said, { failures, conflicts, creates, rows }: Invocation) {
    must(code === 'internal_error' || code === '', 'I10', () => `an error is called ${code}`);
    // A repeat is shown a job that is deleted just then.
    const { 'idempotency-key': key = '' } = visit.request.headers;
    const jobId = this.jobIdOf(visit.client, key) ?? '';
    if (visit.name === 'submit' && this.keySince(jobId, visit.startedAt).includes('deleted')) return;
    const isExplained = failures.length > 0 || conflicts >= CONFLICTS_MAX;
    must(isExplained, 'I10', () => `a request is answered with an error, and all its calls went well`);
    // What has been created is in the row, unless that could not be written; whatever else has failed.
    const isCreated = creates.at(-1)?.upstreamJobId !== undefined && rows.at(-1)?.after?.status !== 'failed';
    const isOfTable = failures.some((what) => /^(Put|Get|Delete)Item jobs/.test(what)) || conflicts > 0;
    must(
      !isCreated || isOfTable,
      'I10',
      () => `a job was created, and its app is told of an error: ${failures}`,
    );
    // What was certainly not created is as if it had never been asked for.
    const left = rows.find(({ before }) => before === null)?.after ?? null;
    if (left === null || isOfTable || !creates.every((create) => verdictOn(create).isRefused)) return;
    const isLeft = this.since(left.jobId, this.now).at(-1)?.createdAt === left.createdAt;
    must(!isLeft, 'I10', () => `${left.jobId} was not created, and its row is there`);
  }

  /** In the contract's order: 401, then 404 and 405, then 403. Null: the request is let in. */
  #earlyRefusal(visit: Visit, said: Said): { status: number; code: string } | null {
    const { operation, allow } = visit.routed;
    if (operation === 'open') return null;
    const key = this.#keyOf(visit.request.headers['authorization'] ?? '');
    const revokedAt = key?.revokedAt ?? Number.POSITIVE_INFINITY;
    const isOut = key === null || visit.startedAt > revokedAt + REVOCATION_MILLIS + this.skewMillis;
    const mayBeOut = isOut || this.now >= revokedAt;
    if (isOut || (mayBeOut && said.status === 401)) return { status: 401, code: 'unauthenticated' };
    if (operation === null && allow !== '') return { status: 405, code: 'method_not_allowed' };
    // One that the gateway takes for something else, by how its path is spelled.
    const isAstray = operation === 'submit' && visit.name !== 'submit';
    const scope: string = SCOPES[operation ?? 'job'] ?? 'jobs:read';
    const isAllowed = operation === null || (key.scopes as string[]).includes(scope);
    if (!isAllowed) return { status: 403, code: 'insufficient_scope' };
    return operation === null || isAstray ? { status: 404, code: 'not_found' } : null;
  }

  #keyOf(authorization: string): ClientKey | null {
    const key = /^Bearer +(msj_\w+_[\w-]+)$/i.exec(authorization)?.[1];
    if (key === undefined) return null;
    const sha256 = this.#hashes.get(key) ?? createHash('sha256').update(key).digest('hex');
    this.#hashes.set(key, sha256);
    const item = this.known.cloud.tables.clientKeys.peek(sha256);
    return item ? (unmarshall(item) as ClientKey) : null;
  }

  /** How often a request may call each service, unless something went wrong on the way. */
  #judgeCalls(
    { name, routed, request }: Visit,
    { calls, failures, conflicts, creates, rows }: Invocation,
  ): void {
    if (failures.length > 0 || conflicts > 0) return;
    const { dynamodb = 0, sqs = 0, s3 = 0, secrets = 0 } = calls;
    const { operation } = routed;
    const isMany = operation === 'redeliveries';
    // Whoever misses a document looks whether the job was deleted meanwhile.
    const looks = this.known.rows.deleted.has(routed.jobId) ? 1 : 0;
    const most =
      looks + ({ submit: 9, delete: 7, redeliveries: 5 + 4 * rows.length }[String(operation)] ?? 5);
    const isFew =
      dynamodb <= most &&
      sqs <= (isMany ? rows.length : 1) &&
      s3 <= (operation === 'delete' ? 4 : 2) &&
      secrets <= (name === 'submit' ? 2 : 0) &&
      creates.length <= 2;
    must(
      isFew,
      'I19',
      () => `${request.method} ${routed.operation} makes ${dynamodb}, ${sqs}, ${s3}, ${secrets} calls`,
    );
  }
}

function asSeen(job: Version['job']): Job | null {
  return job === 'deleted' ? null : job;
}
