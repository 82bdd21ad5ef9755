import { scheduleForBatch } from '../../../functions/core/polling/batch.ts';
import { scheduleFor } from '../../../functions/core/polling/forecast.ts';
import { inThread } from '../flows/in-thread.ts';
import type { Part } from '../part.ts';
import { DISTRIBUTIONS } from './distributions.ts';
import { type Findings, frontierAt, type measureAt, type Row } from './experiments.ts';
import { Planner } from './planner.ts';
import { frontierPlot } from './plot.ts';
import { type Call, textOf } from './report.ts';
import { SCHEDULES } from './schedules.ts';

export const LAGS_PER_POLL = [0.5, 1, 2, 5];
const FRONTIER = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 40];
const CALLS = 5000;

export async function run(): Promise<Part> {
  const calls = timeCalls();
  const module = new URL('experiments.ts', import.meta.url).href;
  const parts = await Promise.all(
    LAGS_PER_POLL.map((lag) => inThread<ReturnType<typeof measureAt>>(module, 'measureAt', lag)),
  );
  const findings: Findings = {
    rows: parts.flatMap(({ rows }) => rows),
    changes: parts.flatMap(({ changes }) => changes),
    batches: parts.flatMap(({ batches }) => batches),
  };
  const frontier = FRONTIER.flatMap(frontierAt);
  return {
    name: 'polling',
    rows: [...findings.rows, ...findings.changes, ...findings.batches, ...calls],
    text: textOf(findings, frontier, calls),
    svg: frontierPlot(panelsOf(findings.rows, frontier)),
  };
}

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
  const planner = new Planner(1, Math.random);
  for (const seconds of durations) planner.learn(seconds, seconds);
  return [
    { call: 'a poll of a job', millis: timeOf(() => planner.waitAt(20)) },
    { call: 'a poll of a batch', millis: timeOf(() => planner.waitAt(20, 5, 100)) },
    { call: "a batch's pace", millis: timeOf(() => scheduleForBatch(durations, 20, 5, 100)) },
    { call: 'the pace of a kind, once a minute', millis: timeOf(() => scheduleFor(durations)) },
  ];
}

/** CPU milliseconds of a call, when the code is warm. */
function timeOf(call: () => unknown): number {
  for (let i = 0; i < CALLS; i++) call();
  const start = process.cpuUsage();
  for (let i = 0; i < CALLS; i++) call();
  return process.cpuUsage(start).user / 1000 / CALLS;
}
