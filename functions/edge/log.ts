import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { METRICS, type MetricName, NAMESPACE } from '../core/metrics.ts';
import type { Log, Stage } from '../ports.ts';

/** `service` of each line, and of the metrics in it, is POWERTOOLS_SERVICE_NAME. */
export const logger = new Logger();

const metrics = new Metrics({ namespace: NAMESPACE });

/** How many units of work of a stage came to each outcome. */
type Tally = Partial<Record<Stage, Record<string, number>>>;

let tallied: Tally = {};
let measuredInTally: Partial<Record<MetricName, number[]>> = {};

export const log: Log = {
  tell: (stage, facts, measured = {}) => logger.info(stage, { ...facts, ...embedded(measured) }),
  tally(stage, facts, measured = {}) {
    logger.debug(stage, { ...facts });
    const outcomes = { ...tallied[stage] };
    outcomes[facts.outcome] = (outcomes[facts.outcome] ?? 0) + 1;
    tallied[stage] = outcomes;
    for (const [name, value] of entries(measured)) {
      const values = measuredInTally[name] ?? [];
      measuredInTally[name] = isCount(name) ? [(values[0] ?? 0) + value] : [...values, value];
    }
  },
};

/** Tells in one line what was tallied since the last time, if anything. */
export function tellTally(facts: { duration_ms: number }): void {
  if (Object.keys(tallied).length === 0) return;
  logger.info('batch', { ...facts, ...tallied, ...embedded(measuredInTally) });
  tallied = {};
  measuredInTally = {};
}

/** Metrics as a part of a log line (CloudWatch's embedded metric format), which costs no line of its own. */
function embedded(measured: Partial<Record<MetricName, number | number[]>>): object {
  const all = entries(measured);
  if (all.length === 0) return {};
  for (const [name, values] of all) {
    for (const value of [values].flat()) metrics.addMetric(name, METRICS[name], value);
  }
  const { service: _, ...line } = metrics.serializeMetrics();
  metrics.clearMetrics();
  return line;
}

function isCount(name: MetricName): boolean {
  return METRICS[name] === 'Count' && name !== 'PollsPerJob';
}

function entries<T>(measured: Partial<Record<MetricName, T>>): [MetricName, T][] {
  return Object.entries(measured) as [MetricName, T][];
}
