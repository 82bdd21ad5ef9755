import { survivalOfBatch } from '../../../functions/core/polling/batch.ts';
import { forecastOf } from '../../../functions/core/polling/forecast.ts';
import { inThread } from '../flows/in-thread.ts';
import type { Part, PartOptions } from '../part.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import {
  type Findings,
  frontierAt,
  type measureAt,
  plannerAfter,
  type Row,
  SEED,
  SETTLED,
} from './experiments.ts';
import { Planner } from './planner.ts';
import type { Played, playAllAt } from './played.ts';
import { frontierPlot } from './plot.ts';
import { type Call, textOf } from './report.ts';
import { SCHEDULES } from './schedules.ts';

export const LAGS_PER_POLL = [0.5, 1, 2, 5];
const FRONTIER = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40];
const CALLS = 5000;

export async function run({ seed = SEED, isTraced }: PartOptions): Promise<Part> {
  const calls = timeCalls();
  const planner = plannerAfter(SETTLED);
  const [asked, played] = await Promise.all([
    Promise.all(LAGS_PER_POLL.map((lagPerPoll) => measured({ lagPerPoll, seed }))),
    Promise.all(LAGS_PER_POLL.map((lagPerPoll) => wasPlayed({ lagPerPoll, seed, planner, isTraced }))),
  ]);
  const findings: Findings = {
    rows: asked.flatMap(({ rows }) => rows),
    references: asked.flatMap(({ references }) => references),
    changes: asked.flatMap(({ changes }) => changes),
    batches: asked.flatMap(({ batches }) => batches),
  };
  const further: Omit<Played, 'trace'> = {
    rows: played.flatMap(({ rows }) => rows),
    bursts: played.flatMap(({ bursts }) => bursts),
    references: played.flatMap(({ references }) => references),
  };
  const frontier = FRONTIER.flatMap(frontierAt);
  return {
    name: 'polling',
    rows: [...findings.rows, ...further.rows, ...findings.changes, ...findings.batches, ...calls],
    others: { bursts: further.bursts, references: [...findings.references, ...further.references] },
    trace: played.flatMap(({ trace }) => trace),
    text: textOf(findings, further, frontier, calls),
    svg: frontierPlot(panelsOf(findings.rows, frontier)),
  };
}

type Asking = Parameters<typeof measureAt>[0];
type Playing = Parameters<typeof playAllAt>[0];

const measured = (asking: Asking) =>
  inThread<ReturnType<typeof measureAt>>(
    new URL('experiments.ts', import.meta.url).href,
    'measureAt',
    asking,
  );

const wasPlayed = (playing: Playing) =>
  inThread<Played>(new URL('played.ts', import.meta.url).href, 'playAllAt', playing);

function panelsOf(rows: readonly Row[], frontier: readonly Row[]) {
  return DISTRIBUTIONS.map(({ name }) => {
    const of = (policy: string) => (row: Row) => row.distribution === name && row.policy === policy;
    return {
      title: name,
      optimum: frontier.filter(of('optimum')),
      planner: frontier.filter(of('planner')),
      // λ is of no account to them.
      schedules: SCHEDULES.flatMap(({ name: policy }) => rows.find(of(policy)) ?? []),
    };
  });
}

function timeCalls(): Call[] {
  const durations = Array.from({ length: 64 }, (_, i) => 30 * Math.exp(0.5 * Math.sin(i * i)));
  const spans = durations.map((seconds) => ({ from: 0.9 * seconds, to: seconds }));
  const planner = new Planner(1, Math.random);
  for (const { from, to } of spans) planner.learn(from, to);
  return [
    { call: 'a poll of a job', millis: timeOf(() => planner.waitAt(20)) },
    { call: 'a poll of a batch', millis: timeOf(() => planner.waitAt(20, 5, 100)) },
    { call: "a batch's pace", millis: timeOf(() => survivalOfBatch(durations, 20, 5, 100)) },
    { call: 'the pace of a kind, once a minute', millis: timeOf(() => forecastOf(spans)) },
  ];
}

/** CPU milliseconds of a call, when the code is warm. */
function timeOf(call: () => unknown): number {
  for (let i = 0; i < CALLS; i++) call();
  const start = process.cpuUsage();
  for (let i = 0; i < CALLS; i++) call();
  return process.cpuUsage(start).user / 1000 / CALLS;
}
