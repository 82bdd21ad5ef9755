/** How long jobs take, in seconds: what the benchmark knows and the planner must find out. */
export interface Durations {
  name: string;
  /** The share of jobs that take no longer than that. */
  cdf(seconds: number): number;
  draw(random: () => number): number;
}

/** Abramowitz and Stegun 7.1.26, good to 1.5e-7. */
function normalCdf(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const polynomial =
    ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const tail = (polynomial * Math.exp((-z * z) / 2)) / 2;
  return z > 0 ? 1 - tail : tail;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function lognormal(name: string, median: number, sigma: number): Durations {
  return {
    name,
    cdf: (seconds) => (seconds <= 0 ? 0 : normalCdf(Math.log(seconds / median) / sigma)),
    draw: (random) => median * Math.exp(sigma * normal(random)),
  };
}

export function pareto(least: number, exponent: number): Durations {
  return {
    name: `Pareto ${least} s / ${exponent}`,
    cdf: (seconds) => (seconds <= least ? 0 : 1 - (least / seconds) ** exponent),
    draw: (random) => least * (1 - random()) ** (-1 / exponent),
  };
}

export function uniform(name: string, least: number, most: number): Durations {
  return {
    name,
    cdf: (seconds) => Math.max(0, Math.min(1, (seconds - least) / (most - least))),
    draw: (random) => least + (most - least) * random(),
  };
}

/** As often as in a sample. */
export function empirical(name: string, sample: Iterable<number>): Pick<Durations, 'name' | 'cdf'> {
  const sorted = Float64Array.from(sample).sort();
  return { name, cdf: (seconds) => shareUpTo(sorted, seconds) };
}

function shareUpTo(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}

export function mixture(name: string, share: number, first: Durations, second: Durations): Durations {
  return {
    name,
    cdf: (seconds) => share * first.cdf(seconds) + (1 - share) * second.cdf(seconds),
    draw: (random) => (random() < share ? first : second).draw(random),
  };
}

/** Half a minute in the median, as the loads have it. */
export const HALF_A_MINUTE = lognormal('lognormal 30 s / 0.5', 30, 0.5);

export const DISTRIBUTIONS: Durations[] = [
  {
    name: 'exponential, mean 30 s',
    cdf: (seconds) => 1 - Math.exp(-seconds / 30),
    draw: (random) => -30 * Math.log(1 - random()),
  },
  lognormal('lognormal 8 s / 0.3', 8, 0.3),
  HALF_A_MINUTE,
  lognormal('lognormal 60 s / 1.0', 60, 1),
  lognormal('lognormal 600 s / 0.25', 600, 0.25),
  mixture('bimodal 5 s, 120 s', 0.7, lognormal('', 5, 0.3), lognormal('', 120, 0.4)),
  pareto(5, 1.3),
  mixture('a tenth fails fast', 0.1, lognormal('', 1, 0.4), lognormal('', 30, 0.5)),
];

/** By bisection. */
export function quantileOf({ cdf }: Durations, share: number): number {
  let [low, high] = [0, 1e6];
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (cdf(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
