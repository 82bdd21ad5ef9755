import type { Log, Stage } from '../core/log.ts';
import { type MetricName, NAMESPACE, unitOf } from '../core/metrics.ts';
import { optional } from './settings.ts';
import { clock } from './system.ts';

const LEVELS = ['DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
type Level = (typeof LEVELS)[number];

/** Lambda sets the level; `service` of each line, and of the metrics in it, is SERVICE_NAME. */
const service = optional('SERVICE_NAME') ?? undefined;
const lowest = LEVELS.indexOf((optional('AWS_LAMBDA_LOG_LEVEL') ?? 'INFO') as Level);
const enabledLevels = LEVELS.slice(Math.max(0, lowest));

function writer(level: Level) {
  return (message: string, fields: object): void => {
    if (!enabledLevels.includes(level)) return;
    const line = { level, message, timestamp: new Date().toISOString(), service, ...fields };
    logger.write(`${JSON.stringify(line)}\n`);
  };
}

/** Each line is a JSON object, written without `console`, which on Lambda would wrap it in another one. */
export const logger = {
  debug: writer('DEBUG'),
  info: writer('INFO'),
  warn: writer('WARN'),
  error: writer('ERROR'),
  write: (text: string): void => void process.stdout.write(text),
};

/** How many units of work of a stage had each outcome. */
let aggregated: Partial<Record<Stage, Record<string, number>>> = {};
let aggregatedMetrics: Partial<Record<MetricName, number | number[]>> = {};
/** Of the invocations since the last such line. */
let sums: Record<string, number> = {};
let flushedAt = 0;

/** While polls find nothing new, a line each so often says so. What an environment still has when it ends is not counted. */
export const CALM_MILLIS = 10_000;

export const log: Log = {
  event: (stage, fields, metrics = {}) => logger.info(stage, { ...fields, ...embedded(metrics) }),
  aggregate(stage, fields, metrics = {}) {
    logger.debug(stage, { ...fields });
    const outcomes = { ...aggregated[stage] };
    outcomes[fields.outcome] = (outcomes[fields.outcome] ?? 0) + 1;
    aggregated[stage] = outcomes;
    for (const [name, value] of entries(metrics)) {
      const before = aggregatedMetrics[name] ?? [];
      aggregatedMetrics[name] = isCount(name) ? Number(before) + value : [before, value].flat();
    }
  },
};

/** Whether anything was aggregated but polls of jobs that run on. */
export const hasNews = () => Object.keys(aggregatedMetrics).some((name) => name !== 'Polls');

/** Logs in one line what was aggregated, if anything, unless the last such line is less than `everyMillis` old. */
export function flushAggregates(
  adds: { duration_ms?: number; invocations?: number } = {},
  everyMillis = 0,
): void {
  for (const [name, value] of Object.entries(adds)) sums[name] = (sums[name] ?? 0) + value;
  if (Object.keys(aggregated).length === 0 || clock.now() < flushedAt + everyMillis) return;
  flushedAt = clock.now();
  logger.info('batch', { ...sums, ...aggregated, ...embedded(aggregatedMetrics) });
  aggregated = {};
  aggregatedMetrics = {};
  sums = {};
}

/** Metrics as part of a log line (CloudWatch's embedded metric format), which need no line of their own. */
function embedded(metrics: Partial<Record<MetricName, number | number[]>>): object {
  const all = entries(metrics);
  if (all.length === 0) return {};
  const Metrics = all.map(([Name]) => ({ Name, Unit: unitOf(Name) }));
  const directive = { Namespace: NAMESPACE, Dimensions: [['service']], Metrics };
  return { _aws: { Timestamp: clock.now(), CloudWatchMetrics: [directive] }, ...metrics };
}

const isCount = (name: MetricName) => unitOf(name) === 'Count' && name !== 'PollsPerJob';

function entries<T>(metrics: Partial<Record<MetricName, T>>): [MetricName, T][] {
  return Object.entries(metrics) as [MetricName, T][];
}
