import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { placeRows } from './place-rows.ts';
import { type Answer, type Create, startQueueUpstream } from './queue-upstream.ts';
import { type Called, call, type LocalSystem, startLocally, submission } from './system.ts';

/** `npm run test:more` gives it more jobs, which take longer. */
const isLong = process.env['LONG_QUEUE'] === 'yes';
const [JOBS, JOB_MILLIS] = isLong ? [40, 2000] : [6, 500];
const PLACES = 3;
const SENTENCE = 'Only three parallel queries per user are allowed.';
const patience = { timeout: 200_000, interval: 100 };

let upstream: Awaited<ReturnType<typeof startQueueUpstream>>;
let system: LocalSystem;
let refusal: Answer;
/** What these were given, ModelStudio works on until it is taken out. */
const held = new Set<string>();
let mostAtOnce: number;

function answer({ at, text, running }: Omit<Create, 'status'>): Answer {
  if (running >= PLACES) return refusal;
  mostAtOnce = Math.max(mostAtOnce, running + 1);
  return { status: 200, isOver: () => !held.has(text) && Date.now() >= at + JOB_MILLIS };
}

beforeAll(async () => {
  upstream = await startQueueUpstream(answer);
  system = await startLocally({ ...upstream.env, JOBS_AT_ONCE: String(PLACES) });
}, patience.timeout);
afterAll(async () => {
  await system?.stop();
  upstream?.stop();
});
beforeEach(() => {
  held.clear();
  mostAtOnce = 0;
  upstream.creates.length = 0;
  upstream.endsTold.clear();
});
vi.setConfig({ testTimeout: patience.timeout });

const post = (text: string, fields: object = {}): Promise<Called> =>
  call(system, 'POST', '/v1/jobs', { ...submission('m', text), ...fields });

async function ended(posted: Called[]): Promise<string[]> {
  const read = ({ json }: Called) => call(system, 'GET', `/v1/jobs/${json.job_id}`);
  const jobs = await vi.waitFor(async () => {
    const all = await Promise.all(posted.map(read));
    expect(all.map(({ json }) => json.finished_at)).not.toContain(null);
    return all;
  }, patience);
  return jobs.map(({ json }) => json.status);
}

const statusOf = ({ status, json }: Called) => `${status} ${json.code ?? json.status}`;

// The first one, as it needs an idle system.
it('a job takes a place and keeps it, cancelled or not, until ModelStudio says that it has ended', async () => {
  const texts = ['b0', 'b1', 'b2'];
  for (const text of texts) held.add(text);
  const posted: Called[] = [];
  for (const text of texts) posted.push(await post(text));
  expect(posted.map(statusOf)).toEqual(Array(PLACES).fill('202 running'));
  const [first, ...others] = posted as [Called, ...Called[]];
  expect((await call(system, 'POST', `/v1/jobs/${first.json.job_id}/cancel`)).json.status).toBe('cancelled');
  const waiting = await post('b3');
  expect(statusOf(waiting)).toBe('202 queued');
  expect(statusOf(await post('b4', { queue_for: 0 }))).toBe('503 modelstudio_unavailable');
  held.delete('b0');
  expect(await ended([waiting])).toEqual(['completed']);
  held.clear();
  expect(await ended(others)).toEqual(['completed', 'completed']);
  expect(upstream.creates.map(({ text }) => text)).toEqual(['b0', 'b1', 'b2', 'b3']);
  expect(mostAtOnce).toBe(PLACES);
});

/** From when ModelStudio told that a job has ended to the create that takes its place, in order. */
function refills(): number[] {
  const ends = [...upstream.endsTold.values()];
  return upstream.creates.slice(PLACES).map(({ at }, i) => at - (ends[i] ?? 0));
}

const REFUSALS: [how: string, status: number][] = [
  ['400', 400],
  ['429', 429],
];
it.each(isLong ? REFUSALS : REFUSALS.slice(0, 1))(
  'no more jobs run at once than there are places, all end, and ModelStudio never has to refuse one with %s',
  async (_how, status) => {
    refusal = { status, detail: SENTENCE };
    const texts = Array.from({ length: JOBS }, (_, i) => `${status}-${i}`);
    for (const text of texts) held.add(text);
    const posted: Called[] = [];
    for (const text of texts) posted.push(await post(text));
    held.clear();
    expect(await ended(posted)).toEqual(Array(JOBS).fill('completed'));
    expect(upstream.creates.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
    expect(mostAtOnce).toBe(PLACES);
    expect(await placeRows(system)).toEqual(['place/1', 'place/2', 'place/3']);
    const millis = refills();
    if (isLong) process.stdout.write(`refilled after ${millis.join(', ')} ms\n`);
    // Most, as a loaded machine may need longer for some.
    if (isLong) expect(millis.filter((each) => each < 1000).length).toBeGreaterThan(millis.length / 2);
  },
);
