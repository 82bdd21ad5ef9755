import { afterEach, beforeEach, expect, it, vi } from 'vitest';

type Line = Record<string, unknown> & { _aws?: { CloudWatchMetrics: [{ Metrics: { Name: string }[] }] } };

let lines: Line[];

beforeEach(() => {
  lines = [];
  vi.resetModules();
  vi.stubEnv('SERVICE_NAME', 'TheStack');
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(JSON.parse(String(text)));
    return true;
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const importLog = () => import('../../functions/edge/log.ts');

it('the log writes a unit of work and its metrics in one line', async () => {
  const { log } = await importLog();
  log.event('finish', { outcome: 'completed', job_id: 'job_1' }, { JobsCompleted: 1, JobSeconds: 31.5 });
  expect(lines).toMatchObject([
    {
      message: 'finish',
      outcome: 'completed',
      job_id: 'job_1',
      service: 'TheStack',
      JobsCompleted: 1,
      JobSeconds: 31.5,
    },
  ]);
  expect(lines[0]?._aws?.CloudWatchMetrics).toEqual([
    {
      Namespace: 'ModelStudioJobs',
      Dimensions: [['service']],
      Metrics: [
        { Name: 'JobsCompleted', Unit: 'Count' },
        { Name: 'JobSeconds', Unit: 'Seconds' },
      ],
    },
  ]);
});

it('each line is a JSON object of its own, with its level, time and service', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) });
  const { logger } = await importLog();
  logger.warn('first', { a: 1 });
  logger.error('second', {});
  vi.useRealTimers();
  const written = vi.mocked(process.stdout.write).mock.calls.map(([text]) => text);
  const head = (level: string, message: string) =>
    `{"level":"${level}","message":"${message}","timestamp":"2026-01-01T00:00:00.000Z","service":"TheStack"`;
  expect(written).toEqual([`${head('WARN', 'first')},"a":1}\n`, `${head('ERROR', 'second')}}\n`]);
});

it('the log adds up what counts, and lists what is measured', async () => {
  const { log, flushAggregates } = await importLog();
  for (const each of [1, 2, 3])
    log.aggregate(
      'poll',
      { outcome: 'finished' },
      { Polls: each, PollsPerJob: each, DetectionLagSeconds: each },
    );
  flushAggregates();
  expect(lines).toMatchObject([{ Polls: 6, PollsPerJob: [1, 2, 3], DetectionLagSeconds: [1, 2, 3] }]);
});

it('the log carries no metric over to the next line', async () => {
  const { log } = await importLog();
  log.event('finish', { outcome: 'completed' }, { JobsCompleted: 1 });
  log.event('deliver', { outcome: 'delivered' });
  expect(lines[1]).not.toHaveProperty('JobsCompleted');
  expect(lines[1]).not.toHaveProperty('_aws');
});

it('the metrics of a line are of the present, in milliseconds', async () => {
  const { log } = await importLog();
  const before = Date.now();
  log.event('finish', { outcome: 'completed' }, { JobsCompleted: 1 });
  const [line] = lines as unknown as { _aws: { Timestamp: number } }[];
  expect(line?._aws.Timestamp).toBeGreaterThanOrEqual(before);
  expect(line?._aws.Timestamp).toBeLessThanOrEqual(Date.now());
});

it('the log writes much work in one line, with a count for each outcome', async () => {
  const { log, flushAggregates: tellTally } = await importLog();
  for (const outcome of ['running', 'running', 'stale']) log.aggregate('poll', { outcome }, { Polls: 1 });
  log.aggregate('poll', { outcome: 'transient_error' }, { Polls: 1, UpstreamTimeouts: 1 });
  expect(lines).toEqual([]);
  tellTally({ duration_ms: 12 });
  tellTally({ duration_ms: 13 });
  expect(lines).toMatchObject([
    {
      message: 'batch',
      duration_ms: 12,
      poll: { running: 2, stale: 1, transient_error: 1 },
      Polls: 4,
      UpstreamTimeouts: 1,
    },
  ]);
  expect(lines.length).toBe(1);
});

it('the log aggregates events, and writes them at the first event after the interval', async () => {
  vi.useFakeTimers({ now: 1_000_000_000 });
  try {
    const { log, flushAggregates: tellTally } = await importLog();
    const refuse = (atSeconds: number) => {
      vi.setSystemTime(1_000_000_000 + atSeconds * 1000);
      log.aggregate('authorize', { outcome: 'unknown_key' }, { KeysRefused: 1 });
      tellTally({}, 60_000);
    };
    for (let i = 0; i < 3000; i++) refuse(i / 50);
    refuse(60);
    const told = lines.map(({ authorize, KeysRefused }) => [authorize, KeysRefused]);
    expect(told).toEqual([
      [{ unknown_key: 1 }, 1],
      [{ unknown_key: 3000 }, 3000],
    ]);
  } finally {
    vi.useRealTimers();
  }
});

it('the log writes each aggregated event at the level DEBUG, too', async () => {
  vi.stubEnv('AWS_LAMBDA_LOG_LEVEL', 'DEBUG');
  const { log } = await importLog();
  log.aggregate('poll', { outcome: 'running', job_id: 'job_1' });
  expect(lines).toMatchObject([{ level: 'DEBUG', message: 'poll', job_id: 'job_1' }]);
});

it('the log sums up calm polls over many invocations, until there is news', async () => {
  vi.useFakeTimers({ now: 1_000_000_000 });
  try {
    const { CALM_MILLIS, flushAggregates, hasNews, log } = await importLog();
    const invoke = (outcome: string, metrics: object) => {
      log.aggregate('poll', { outcome }, metrics);
      flushAggregates({ duration_ms: 60, invocations: 1 }, hasNews() ? 0 : CALM_MILLIS);
      vi.advanceTimersByTime(1000);
    };
    for (let i = 0; i < 12; i++) invoke('running', { Polls: 1 });
    invoke('transient_error', { Polls: 1, UpstreamTimeouts: 1 });
    expect(lines.map(({ duration_ms, invocations, Polls }) => [duration_ms, invocations, Polls])).toEqual([
      [60, 1, 1],
      [600, 10, 10],
      [120, 2, 2],
    ]);
    expect(lines[2]).toMatchObject({ poll: { running: 1, transient_error: 1 }, UpstreamTimeouts: 1 });
  } finally {
    vi.useRealTimers();
  }
});
