import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { synthesize } from '../../../tools/local/synthesize.ts';
import { publicLine, type System, startSystem } from '../../../tools/local/system.ts';
import { type MoodyReceiver, startMoodyReceiver } from './moody-receiver.ts';
import { type Operator, operatorOf } from './operator.ts';
import { startPartsUpstream } from './parts-upstream.ts';
import { isThere, LAST_RELEASE, synthesizeRelease } from './release.ts';
import { patience, verify } from './scene.ts';
import { type Called, call, type Line } from './system.ts';

/** What each kind of job is like when another release takes over, and how it ends. */
interface Kind {
  /** Of two hundred. */
  count: number;
  fields?: object;
  texts?: number;
  /** Whether its receiver refuses its webhook at first. */
  isRefused?: boolean;
  /** What the job looks like by then. */
  by: object;
  /** What is done to it then. */
  afterwards?: 'cancel' | 'delete';
  /** Its status in the end, and how often its conversations were given to ModelStudio. */
  ends: [status: string, given: number, code?: string];
}

const running = { status: 'running' };
const delivered = { webhook: { status: 'delivered' } };
const queued = { status: 'queued' };

const KINDS: Record<string, Kind> = {
  exhausted: { count: 12, isRefused: true, by: { webhook: { status: 'exhausted' } }, ends: ['completed', 1] },
  done: { count: 44, by: delivered, ends: ['completed', 1] },
  deleted: { count: 8, by: delivered, afterwards: 'delete', ends: ['deleted', 1] },
  running: { count: 32, by: running, ends: ['completed', 1] },
  endless: { count: 8, by: running, ends: ['completed', 1] },
  expiring: { count: 8, fields: { expires_in: 60 }, by: running, ends: ['expired', 1] },
  cancelled: { count: 8, by: running, afterwards: 'cancel', ends: ['cancelled', 1] },
  retries: { count: 12, fields: { task_retries: 1 }, by: running, ends: ['completed', 2] },
  large: { count: 8, texts: 20, by: running, ends: ['completed', 1] },
  unknown: { count: 8, by: { status: 'failed', ...delivered }, ends: ['failed', 0, 'submission_unknown'] },
  // Before those that wait, behind which it would have to wait, too.
  retried: {
    ...{ count: 20, isRefused: true },
    by: { status: 'completed', webhook: { status: 'pending' } },
    ends: ['completed', 1],
  },
  refused: { count: 4, by: queued, ends: ['failed', 0, 'modelstudio_invalid_request'] },
  queued: { count: 28, by: queued, ends: ['completed', 1] },
};

interface Posted {
  kind: Kind;
  jobId: string;
  texts: string[];
  again(): Promise<Called>;
}

const LARGE_RESULT = 'x'.repeat(20_000);
const env = {
  WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,1,2,4,8,8',
  CONVERSATIONS_PER_CREATE: '5',
  PARTS_AT_ONCE: '2',
};
/** Of 200 conversations of large jobs, those that are under way at once. */
const inParts = (count: number) => count * 5 * 2;

describe.skipIf(process.env['UPGRADE'] !== 'yes')('another release on the same stores', () => {
  /** "kind release" of those that ModelStudio does not end yet. */
  const held = new Set<string>();
  /** Whether ModelStudio takes no job of those kinds that wait for it. */
  let isBusy = false;
  let upstream: Awaited<ReturnType<typeof startPartsUpstream>>;
  let [receiver, refusing]: MoodyReceiver[] = [];
  let box: System;
  let system: Line;
  let operator: Operator;
  const asked = new Map<string, number>();
  const errors: string[] = [];
  const ends: string[] = [];

  beforeAll(async () => {
    upstream = await startPartsUpstream({
      fails: (text, nth) => text.startsWith('retries') && nth === 1,
      isOver: ([text = '']) => {
        if (text.startsWith('retries') && upstream.times.get(text) === 1) return true;
        return !text.startsWith('expiring') && !held.has(text.split(' ', 2).join(' '));
      },
      result: (text) => (text.startsWith('large') ? text + LARGE_RESULT : text),
      refuse: ([text = '']) => {
        const [kind] = text.split(' ');
        if (kind === 'unknown') asked.set(text, (asked.get(text) ?? 0) + 1);
        if (kind === 'unknown') return { status: 500, detail: 'Oops.' };
        if (isBusy && (kind === 'queued' || kind === 'refused')) return { status: 503, detail: 'Busy.' };
        return kind === 'refused' ? { status: 400, detail: 'Too rude.' } : undefined;
      },
    });
    [receiver, refusing] = await Promise.all([startMoodyReceiver(), startMoodyReceiver()]);
  });
  afterAll(async () => {
    operator?.close();
    await box?.close();
    await Promise.all([receiver?.refuseConnections(), refusing?.refuseConnections()]);
    upstream?.stop();
  });

  async function startAs(templateFile: string): Promise<void> {
    for (const [name, value] of Object.entries({ ...env, ...upstream.env })) vi.stubEnv(name, value);
    const flags = { json: true, once: false, help: false, port: 0, strictWebhooks: false };
    const onLog = (line: string) => {
      // A busy machine is too slow for the functions' own deadlines now and then: their messages come back.
      const isTooSlow = line.includes('"code":"ETIMEDOUT"');
      if (line.includes('"level":"ERROR"') && !isTooSlow) errors.push(line);
      if (line.includes('"message":"finish"')) ends.push(JSON.parse(line).job_id);
    };
    const starting = startSystem(flags, onLog, async () => templateFile);
    vi.unstubAllEnvs();
    box = await starting;
    system = publicLine(box);
    operator = await operatorOf(system);
  }

  async function post(name: string, release: string, nth: number): Promise<Posted> {
    const kind = KINDS[name] as Kind;
    const conversations = [...Array(kind.texts ?? 1).keys()];
    const texts = conversations.map((i) => `${name} ${release} ${nth} ${i}`);
    const url = (kind.isRefused ? refusing : receiver)?.url;
    const messages = texts.map((content) => [{ role: 'user', content }]);
    const body = { model_id: 'm', messages, webhook_url: url, ...kind.fields };
    const headers = { 'idempotency-key': randomUUID() };
    const again = () => call(system, 'POST', '/v1/jobs', body, headers);
    const { status, json } = await again();
    expect([name === 'unknown' ? 504 : 202, json], name).toEqual([status, json]);
    return { kind, jobId: json.job_id, texts, again };
  }

  const read = async ({ jobId }: Posted) => (await call(system, 'GET', `/v1/jobs/${jobId}`)).json;
  const comesTo = (job: Posted, state: object) =>
    vi.waitFor(async () => expect(await read(job)).toMatchObject(state), patience);

  /** Jobs of all kinds, each in the state in which it meets the next release. */
  async function submitAll(release: string, share: number): Promise<Posted[]> {
    const posted: Posted[] = [];
    for (const name of ['running', 'endless', 'cancelled', 'retries', 'large'])
      held.add(`${name} ${release}`);
    if (refusing) refusing.status = 500;
    for (const [name, kind] of Object.entries(KINDS)) {
      const count = kind.count / share;
      isBusy ||= kind.by === queued;
      const jobs = await Promise.all([...Array(count).keys()].map((nth) => post(name, release, nth)));
      await Promise.all(jobs.map((job) => comesTo(job, kind.by)));
      if (name === 'large')
        await vi.waitFor(() => expect(upstream.given(`large ${release}`)).toBe(inParts(count)), patience);
      if (name === 'retries')
        await vi.waitFor(() => expect(upstream.given(`retries ${release}`)).toBe(2 * count), patience);
      for (const { jobId } of kind.afterwards ? jobs : []) {
        const [method, path] = kind.afterwards === 'cancel' ? ['POST', '/cancel'] : ['DELETE', ''];
        expect((await call(system, method as string, `/v1/jobs/${jobId}${path}`)).status).toBeLessThan(300);
      }
      posted.push(...jobs);
    }
    return posted;
  }

  /** What had to wait goes on, but for the endless ones. */
  async function letGo(release: string, jobs: Posted[]): Promise<void> {
    isBusy = false;
    if (refusing) refusing.status = 204;
    for (const name of ['running', 'cancelled', 'retries', 'large']) held.delete(`${name} ${release}`);
    for (const { jobId } of jobs.filter(({ kind }) => kind === KINDS['exhausted']))
      expect((await call(system, 'POST', `/v1/jobs/${jobId}/redeliver`)).status).toBe(202);
    await haveEnded(jobs.filter(({ kind }) => kind !== KINDS['endless']));
  }

  async function haveEnded(jobs: Posted[]): Promise<void> {
    for (const job of jobs.filter(({ kind }) => kind.afterwards !== 'delete'))
      await comesTo(job, { status: job.kind.ends[0], ...delivered });
  }

  async function endedOnce(job: Posted): Promise<void> {
    const [status, given, code] = job.kind.ends;
    const about = `${job.texts[0]}, ${job.jobId}`;
    for (const text of job.texts) expect(upstream.times.get(text) ?? 0, about).toBe(given);
    const posts = [receiver, refusing].flatMap((each) => each?.deliveries ?? []);
    const webhooks = posts.filter(({ jobId }) => jobId === job.jobId);
    expect(webhooks.filter((webhook) => webhook.status === 204).length, about).toBe(1);
    expect(new Set(webhooks.map(({ headers }) => headers['webhook-id'])).size, about).toBe(1);
    expect(new Set(webhooks.map(({ body }) => body)).size, about).toBe(1);
    for (const { body, headers } of webhooks) {
      // As it was received: by now, it may be too old.
      vi.setSystemTime(Number(headers['webhook-timestamp']) * 1000);
      verify(system.webhook_secret, body, headers);
    }
    vi.useRealTimers();
    const again = await job.again();
    if (status === 'deleted')
      return expect([(await read(job)).status, again.json.code]).toEqual([404, 'job_deleted']);
    const { webhook, updated_at, ...data } = await read(job);
    expect(data, about).toMatchObject({ status, ...(code !== undefined && { error: { code } }) });
    expect(JSON.parse(webhooks[0]?.body ?? '')).toMatchObject({ type: `job.${status}`, data });
    expect([again.json.job_id, again.headers.get('idempotency-replayed')]).toEqual([job.jobId, 'true']);
    if (status !== 'completed') return;
    const results = await fetch(`${system.api_url}/v1/jobs/${job.jobId}/results`, {
      headers: { authorization: `Bearer ${system.client_keys[0]}` },
    });
    const all = (await results.json()) as { result: string }[];
    expect(all.map(({ result }) => result.replace(LARGE_RESULT, ''))).toEqual(job.texts);
  }

  it('ends each of 200 jobs once, and so does the release before when it comes back', async ({ skip }) => {
    if (!(await isThere(LAST_RELEASE))) skip(`This clone lacks ${LAST_RELEASE}: git fetch --unshallow`);
    const [before, now] = await Promise.all([synthesizeRelease(LAST_RELEASE), synthesize()]);
    await startAs(before);
    const old = await submitAll('old', 1);
    expect(old.length).toBe(200);
    await box.stack.update(now);
    await letGo('old', old);
    const recent = await submitAll('new', 4);
    await box.stack.update(before);
    await letGo('new', recent);
    const back = await submitAll('back', 4);
    await letGo('back', back);

    const jobs = [...old, ...recent, ...back];
    held.clear();
    await haveEnded(jobs);
    for (const job of jobs) await endedOnce(job);
    expect(new Set(ends).size).toBe(ends.length);
    expect(Math.max(...asked.values())).toBe(1);
    expect(await operator.deadLetters()).toBe(0);
    expect(errors).toEqual([]);
  }, 900_000);
});
