import { BURSTS, burstsThenSingles, LATER_SINGLES, nameOfBurst } from './bursts.ts';
import { DISTRIBUTIONS, type Durations, lognormal, mixture, pareto, uniform } from './distributions.ts';
import type { Load, LoadJob } from './play.ts';
import { queue } from './queue.ts';

type Chance = () => number;

/** A load of which something is measured. */
export interface MeasuredLoad {
  loadOf(random: Chance): Load;
  /** It is played so often, as chance has a part in what it costs. */
  lives: number;
  /** The rows of the table, each of some of the load's parts; what belongs to none of them is only learnt from. */
  rows: readonly [LoadRow, ...LoadRow[]];
  /** Of a load of bursts: how many jobs each has, and how long those take. */
  bursts?: { distribution: string; jobs: number };
  /** Who has the `reference` that the jobs have. */
  reference?: string;
}

interface LoadRow {
  name: string;
  parts: readonly string[];
}

const HOUR = 3600;
const SEEN = 64;
const MEASURED = 'measured';
const LATER_BURSTS = BURSTS.slice(1).map(nameOfBurst);

export const LOADS: MeasuredLoad[] = [
  stream(uniform('exactly 60 s (± 1 s)', 59, 61), 256, 6),
  stream(
    mixture('cache hit 0.5 s, miss 300 s', 0.5, lognormal('', 0.5, 0.2), lognormal('', 300, 0.3)),
    256,
    3,
  ),
  stream(pareto(5, 1.1), 512, 4),
  stream(mixture('1 % hang for an hour', 0.99, lognormal('', 30, 0.5), lognormal('', HOUR, 0.2)), 512, 4),
  byMaxTokens(),
  newSpeedEachHour(),
  queueRow(100, 5),
  queueRow(200, 10),
  ...DISTRIBUTIONS.flatMap((distribution) => [
    ofBursts(distribution, 200, 8),
    ofBursts(distribution, 300, 6),
    ofBursts(distribution, 1000, 6),
  ]),
];

function row(name: string): [LoadRow] {
  return [{ name, parts: [MEASURED] }];
}

/** A job each half minute; the first ones are only learnt from, and have ended when the others come. */
function stream(known: Durations, measured: number, lives: number): MeasuredLoad {
  return {
    rows: row(known.name),
    lives,
    loadOf: (random) => ({
      jobs: eachHalfMinute(SEEN, measured, random).map((job) => ({
        ...job,
        work: known.draw(random),
        known,
      })),
    }),
  };
}

function eachHalfMinute(seen: number, measured: number, random: Chance): Pick<LoadJob, 'at' | 'part'>[] {
  return Array.from({ length: seen + measured }, (_, i) => {
    const at = 30 * (i + random());
    return i < seen ? { at, part: 'seen' } : { at: at + 1.5 * HOUR, part: MEASURED };
  });
}

/** How long a job takes depends on how much it may say: three kinds of one model, each as often. */
function byMaxTokens(): MeasuredLoad {
  const kinds = [
    { max_tokens: 64, known: lognormal('1 s: max_tokens 64', 1, 0.3) },
    { max_tokens: 512, known: lognormal('10 s: max_tokens 512', 10, 0.3) },
    { max_tokens: 4096, known: lognormal('80 s: max_tokens 4096', 80, 0.3) },
  ];
  const reference = {
    name: 'any max_tokens',
    cdf: (seconds: number) => kinds.reduce((sum, { known }) => sum + known.cdf(seconds), 0) / kinds.length,
  };
  return {
    rows: row('1, 10, 80 s, by max_tokens'),
    lives: 3,
    reference: 'best without knowing max_tokens',
    loadOf: (random) => ({
      jobs: eachHalfMinute(SEEN * kinds.length, 384, random).map((job) => {
        const { max_tokens, known } = kinds[Math.floor(random() * kinds.length)] as (typeof kinds)[number];
        return { ...job, work: known.draw(random), known, reference, fields: { max_tokens } };
      }),
    }),
  };
}

/** Ten times as fast, or as slow, each hour: a job a minute. */
function newSpeedEachHour(): MeasuredLoad {
  const speeds = [
    lognormal('10 s in this hour', 10, 0.5),
    lognormal('100 s in this hour', 100, 0.5),
  ] as const;
  const reference = mixture('at either speed', 0.5, ...speeds);
  return {
    rows: row('tenfold change each hour, a job a minute'),
    lives: 3,
    reference: 'best without knowing the speed',
    loadOf: (random) => ({
      jobs: Array.from({ length: 14 * 60 }, (_, minute) => {
        const hour = Math.floor(minute / 60);
        const known = speeds[hour % 2 === 0 ? 0 : 1];
        const part = hour < 2 ? 'seen' : MEASURED;
        return { at: 60 * (minute + random()), part, work: known.draw(random), known, reference };
      }),
    }),
  };
}

function queueRow(jobs: number, atOnce: number): MeasuredLoad {
  const name = `queue: ${jobs} jobs at once, ${atOnce} served at a time`;
  const loadOf = queue(name, jobs, atOnce);
  return {
    loadOf,
    lives: 3,
    reference: 'best by the place in the queue',
    rows: [{ name, parts: LATER_BURSTS }],
    bursts: { distribution: name, jobs },
  };
}

function ofBursts(distribution: Durations, jobs: number, lives: number): MeasuredLoad {
  const { name } = distribution;
  return {
    loadOf: (random) => burstsThenSingles(distribution, jobs, random),
    lives,
    bursts: { distribution: name, jobs },
    rows: [
      { name: `bursts of ${jobs}, ${name}`, parts: LATER_BURSTS },
      { name: `singles after bursts of ${jobs}, ${name}`, parts: [LATER_SINGLES] },
    ],
  };
}
