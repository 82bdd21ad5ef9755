import { weightsSinceChange } from './change.ts';
import {
  AGES,
  LAST,
  LOG_STEP,
  logAt,
  placeOf,
  type Survival,
  survivalOf,
  UNKNOWN,
  valueAt,
} from './survival.ts';

/** All that polls tell of how long a job took, in seconds: it ran at `from`, and had ended at `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** How long jobs of a kind take. */
export interface Forecast {
  survival: Survival;
  /** The likely duration of each job that has ended, in seconds. */
  durations: readonly number[];
}

// The numbers were found by `npm run bench -- polling`.
const ROUNDS = 6;
/** At first, a job is taken to have ended near the end of its span: within so many octaves. */
const GUESS_OCTAVES = 0.4;
/** If hardly any was ever seen running, all may be much shorter: those then have so many octaves more. */
const BLIND_OCTAVES = 1.6;
const BLIND_EXPONENT = 6;
/** The prior counts as so many jobs at most, so that a surprise never ends the polling. */
const UNKNOWN_WEIGHT = 0.25;
/** What jobs of no change count for adds up to a little less than their number. */
const FEW = 7.5;
const WIDTH_OF_FEW = 0.25;
const WIDTH_MAX = 0.16;
const WIDTH_MIN = 0.003;
/** Of the distance of the quartiles, and half as much where it is that small: less would follow randomness, more would blur. */
const WIDTH_SHARE = 0.35;
const HALVED_AT = 0.4;

/** The share of jobs that end in each cell of the grid, the one with the number i being between the ages i - 1 and i. */
type Shares = Float64Array;

/** A span as places of the grid. */
interface Cells {
  begin: number;
  end: number;
}

/** The logarithm of the age in the middle of each cell. */
const LOGS = AGES.map((_, cell) => logAt(cell - 0.5));

const ONES = AGES.map(() => 1);

const PRIOR: Shares = survivalOf([{ ...UNKNOWN, weight: 1 }]).map(
  (running, cell, survival) => (survival[cell - 1] ?? running) - running,
);

/**
 * Expectation maximization with smoothing (Silverman and others, 1990): each span is spread over its cells as all jobs were in
 * the round before, and what comes of all spans is smoothed.
 * @param ended of jobs of a kind, the latest submission first
 * @param running ages of those that still run, in seconds
 */
export function forecastOf(ended: readonly Span[], running: readonly number[] = []): Forecast {
  const known = ended.map(cellsOf);
  const open = running.map((from) => cellsOf({ from, to: Number.POSITIVE_INFINITY }));
  let shares = PRIOR;
  let weights: readonly number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const cells = round === 0 ? firstGuesses(known, open.length) : known;
    if (round > 0) weights = weightsSinceChange(likelyLogs(shares, known));
    shares = withPrior(spread(shares, [...cells, ...open], weights));
  }
  return { survival: survivalFrom(shares), durations: likelyLogs(shares, known).map(Math.exp) };
}

function cellsOf({ from, to }: Span): Cells {
  const begin = Math.min(placeOf(from), LAST - 1);
  return { begin, end: Math.max(placeOf(to), begin + 1e-6) };
}

function firstGuesses(known: readonly Cells[], stillRunning: number): Cells[] {
  const blind = known.filter(({ begin }) => begin === 0).length / (known.length + stillRunning);
  const octaves = GUESS_OCTAVES + BLIND_OCTAVES * blind ** BLIND_EXPONENT;
  return known.map(({ begin, end }) => {
    const cells = ((begin === 0 ? octaves : GUESS_OCTAVES) * Math.LN2) / LOG_STEP;
    return { begin: Math.max(begin, end - cells), end };
  });
}

/** The expected logarithm of the duration within each span. */
function likelyLogs(shares: Shares, spans: readonly Cells[]): number[] {
  const sums = runningSums(shares);
  const logs = runningSums(shares, LOGS);
  return spans.map((cells) => within(cells, logs) / within(cells, sums));
}

/** Loops, here and below, as a forecast is little else, and `map` of a Float64Array takes six times as long. */
function runningSums(shares: Shares, factors = ONES): Float64Array {
  const sums = new Float64Array(shares.length);
  for (let cell = 0, sum = 0; cell <= LAST; cell++) {
    sum += (shares[cell] as number) * (factors[cell] as number);
    sums[cell] = sum;
  }
  return sums;
}

function within({ begin, end }: Cells, sums: Float64Array): number {
  return valueAt(sums, end) - valueAt(sums, begin);
}

/** How many jobs ended in each cell, if each span has its weight, and else one. */
function spread(shares: Shares, spans: readonly Cells[], weights: readonly number[]): Shares {
  const sums = runningSums(shares);
  // By how much the factor of a cell's share differs from that of the cell before.
  const changes = new Float64Array(LAST + 3);
  for (const [i, cells] of spans.entries()) {
    const factor = (weights[i] ?? 1) / within(cells, sums);
    changeAt(changes, cells.begin, factor);
    changeAt(changes, cells.end, -factor);
  }
  const ends = new Float64Array(shares.length);
  for (let cell = 0, factor = 0; cell <= LAST; cell++) {
    factor += changes[cell] as number;
    ends[cell] = (shares[cell] as number) * Math.max(0, factor);
  }
  return ends;
}

/** A cell in which a span begins or ends has a part of the change, and those behind it all. */
function changeAt(changes: Float64Array, place: number, factor: number): void {
  const cell = Math.floor(place) + 1;
  const part = factor * (cell - place);
  changes[cell] = (changes[cell] as number) + part;
  changes[cell + 1] = (changes[cell + 1] as number) + factor - part;
}

function withPrior(ends: Shares): Shares {
  const width = widthOf(runningSums(ends));
  // Where all jobs have taken about the same time, a surprise is less likely.
  const prior = UNKNOWN_WEIGHT * Math.min(1, width / WIDTH_MAX);
  const shares = smoothed(ends, width);
  for (let cell = 0; cell <= LAST; cell++)
    shares[cell] = (shares[cell] as number) + prior * (PRIOR[cell] as number);
  return shares;
}

/** How far apart they are, as a difference of logarithms. */
function quartilesOf(sums: Float64Array): number {
  const placeAt = (share: number) => {
    const sum = share * (sums[LAST] as number);
    let cell = 0;
    while ((sums[cell] as number) < sum) cell++;
    const [before, after] = [sums[cell - 1] ?? 0, sums[cell] as number];
    return cell - (after - sum) / (after - before);
  };
  return LOG_STEP * (placeAt(0.75) - placeAt(0.25));
}

function widthOf(sums: Float64Array): number {
  if ((sums[LAST] as number) < FEW) return WIDTH_OF_FEW;
  const quartiles = quartilesOf(sums);
  const share = (WIDTH_SHARE * quartiles) / (quartiles + HALVED_AT);
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, share * quartiles));
}

/** Each cell's jobs go to all cells, by a ratio fewer to each that is farther, so that the deviation is that of a logistic curve. */
function smoothed(ends: Shares, width: number): Shares {
  const ratio = Math.exp((-Math.sqrt(6) * LOG_STEP) / (Math.PI * width));
  const own = (1 - ratio) / (1 + ratio);
  const smooth = new Float64Array(ends.length);
  for (let cell = 0, below = 0; cell <= LAST; cell++) {
    below = below * ratio + (ends[cell] as number);
    smooth[cell] = own * below;
  }
  for (let cell = LAST, above = 0; cell > 0; cell--) {
    smooth[cell] = (smooth[cell] as number) + own * above;
    above = (above + (ends[cell] as number)) * ratio;
  }
  return smooth;
}

function survivalFrom(shares: Shares): Survival {
  const survival = new Float64Array(AGES.length);
  for (let i = LAST; i > 0; i--) survival[i - 1] = (survival[i] as number) + (shares[i] as number);
  // What was smoothed beyond the ends of the grid is gone.
  return survival.map((running) => running / (survival[0] as number));
}
