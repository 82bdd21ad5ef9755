/** Before anything is known, a change of speed at one given place of the past is so likely, compared with none. */
const CHANGE_ODDS = 1e-4;
/** Each side of a change is believed to spread as all durations do, with the weight of so many of them. */
const USUAL_SPREAD_COUNT = 2;
const DEVIATION_MIN = 0.2;

/**
 * How likely each duration is of the time since the model's speed last changed, 0 to 1: all ways to split the past in two are
 * weighed by how well a normal distribution of the logarithms fits each side.
 * @param logs of durations, the latest first
 */
export function weightsSinceChange(logs: readonly number[]): number[] {
  const misfit = misfitOf(logs);
  const whole = misfit(0, logs.length);
  const odds = logs.map((_, since) => {
    if (since < 4 || since > logs.length - 4) return 0;
    return CHANGE_ODDS * Math.exp(Math.min(700, whole - misfit(0, since) - misfit(since, logs.length)));
  });
  const total = odds.reduce((sum, one) => sum + one, 1);
  let changed = 0;
  return odds.map((one) => {
    changed += one / total;
    return Math.max(0, 1 - changed);
  });
}

/** The negative logarithm of how likely the logarithms from one place to another are, up to a constant. */
function misfitOf(logs: readonly number[]): (from: number, to: number) => number {
  const sums = runningSums(logs);
  const squares = runningSums(logs.map((log) => log ** 2));
  const between = (running: Float64Array, from: number, to: number) =>
    (running[to] as number) - (running[from] as number);
  const squaresAround = (from: number, to: number) =>
    between(squares, from, to) - between(sums, from, to) ** 2 / (to - from);
  const variance = Math.max(DEVIATION_MIN ** 2, squaresAround(0, logs.length) / Math.max(1, logs.length - 1));
  return (from, to) => {
    const count = to - from;
    const usual = USUAL_SPREAD_COUNT * variance;
    const pooled = (squaresAround(from, to) + usual) / (count + USUAL_SPREAD_COUNT);
    return (count / 2) * Math.log(pooled) + Math.log(count) / 2;
  };
}

function runningSums(values: readonly number[]): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = (sums[i] as number) + (values[i] as number);
  return sums;
}
