import { newClientKey } from '../../../functions/core/http/client-key.ts';
import type { Log, LogFields, Stage } from '../../../functions/core/log.ts';
import type { CreateMessage } from '../../../functions/core/messages.ts';
import { METRICS, type MetricValues } from '../../../functions/core/metrics.ts';
import { cancelled, type Report } from '../../../functions/core/upstream/report.ts';
import { drain } from '../../../functions/create/drain.ts';
import { lambdaHttp } from '../../../functions/edge/lambda-http.ts';
import { lambdaSqs } from '../../../functions/edge/lambda-sqs.ts';
import { flushAggregates, log, logger } from '../../../functions/edge/log.ts';
import { createCredentials } from '../../../functions/edge/webhook-credentials.ts';
import { finish } from '../../../functions/finish/finish.ts';
import { authorize } from '../../../functions/http/authorize.ts';
import { poll } from '../../../functions/poll/poll.ts';
import { type SubmitWorld, submit } from '../../../functions/submit/submit.ts';
import { simulate } from '../../../tools/simulation/simulate.ts';
import { System } from '../../../tools/simulation/system.ts';
import { pollMessage, queuedJob, runningJob } from '../../cloud/jobs.ts';
import { fakeWorld, type Scripts } from '../../cloud/world.ts';
import { synthesize } from '../../stack/synthesis.ts';
import { flat, type Row } from './insights.ts';

type Creation = NonNullable<Scripts['creations']>[number];

/** Enough for everything that is told often. */
const SEEDS = 40;

type Told = [how: 'event' | 'aggregate', stage: Stage, facts: LogFields, measured: MetricValues | undefined];

/** Lines as CloudWatch has them: of the flows, of the edge, of Lambda itself, and of the gateway. */
export async function logLines(): Promise<Row[]> {
  const template = synthesize();
  const [fn] = Object.values(template.findResources('AWS::Lambda::Function'));
  const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
  const groups = Object.entries(template.findResources('AWS::Logs::LogGroup')).map(
    ([id, { Properties }]) => (Properties['LogGroupName'] as string) ?? `ModelStudioJobs-${id}-1a2b`,
  );
  const groupOf = (name: string) => {
    const group = groups.find((each) => each.includes(name));
    if (group === undefined) throw new Error(`There is no log group of ${name}`);
    return `123456789012:${group}`;
  };
  const ours = await written(async () => {
    for (const told of await toldByFlows()) write(told);
    // Under their own names, whether or not the above came to them.
    write([
      'aggregate',
      'poll',
      { outcome: 'running' },
      Object.fromEntries(METRICS.map((name) => [name, 1])),
    ]);
    await failAtTheEdge();
  });
  const level: keyof typeof LEVELS = fn?.['Properties'].LoggingConfig.SystemLogLevel;
  return [
    ...ours.map((line) => rowOf(line, groupOf(GROUPS[String(line['message'])] ?? 'Poller'))),
    ...PLATFORM.filter(([written]) => LEVELS[written] >= LEVELS[level]).flatMap(([, line]) =>
      ['Sweep', 'Poller'].map((name) => rowOf(line, groupOf(name))),
    ),
    ...accessLines(stage?.['Properties'].AccessLogSettings.Format).map((line) =>
      rowOf(line, groupOf('/aws/vendedlogs/')),
    ),
  ];
}

const GROUPS: Record<string, string> = {
  create: 'CreateFunction',
  submit: 'ApiSubmit',
  redeliver: 'ApiJobs',
  'request failed': 'ApiJobs',
  deliver: 'Deliver',
  'custom headers are missing': 'Deliver',
  sweep: 'Sweep',
};

function rowOf(line: object, group: string): Row {
  const entry = { '@timestamp': 1, '@log': group, '@message': JSON.stringify(line) };
  return { ...entry, ...flat(line) };
}

async function written(write: () => Promise<void>): Promise<Row[]> {
  const lines: Row[] = [];
  const { write: before } = logger;
  logger.write = (text) => void lines.push(JSON.parse(text));
  try {
    await write();
  } finally {
    logger.write = before;
  }
  return lines;
}

/** A batch of its own for what is tallied. */
function write([how, stage, facts, measured]: Told): void {
  log[how](stage, facts, measured);
  if (how === 'aggregate') flushAggregates({ duration_ms: 12 });
}

const REQUEST = {
  method: 'POST',
  path: '/v1/jobs',
  query: '',
  headers: {},
  body: Buffer.alloc(0),
  requestId: 'r1',
};
const unknown = newClientKey('acme', ['jobs:read'], Buffer.alloc(48, 1), 0);
const revoked = newClientKey('acme', ['jobs:read'], Buffer.alloc(48), 0);

/** Each kind once. */
async function toldByFlows(): Promise<Told[]> {
  const told = new Map<string, Told>();
  const note = (...what: Told) => {
    const [how, stage, { outcome, cause, part_of }] = what;
    told.set(`${how} ${stage} ${outcome} ${cause} ${part_of}`, what);
  };
  const listening = {
    event: (stage: Stage, facts: LogFields, measured?: MetricValues) => note('event', stage, facts, measured),
    aggregate: (stage: Stage, facts: LogFields, measured?: MetricValues) =>
      note('aggregate', stage, facts, measured),
  };
  const { logOf } = System.prototype;
  System.prototype.logOf = function (environment) {
    const log = logOf.call(this, environment);
    const both =
      (how: 'event' | 'aggregate') =>
      (...line: Parameters<Log['event']>) => {
        listening[how](...line);
        log[how](...line);
      };
    return { event: both('event'), aggregate: both('aggregate') };
  };
  try {
    for (let seed = 1; seed <= SEEDS; seed++) await simulate(seed);
  } finally {
    System.prototype.logOf = logOf;
  }
  // Few seeds have receivers that hang.
  listening.event('deliver', { outcome: 'receiver_hangs', client: 'acme', host: 'hooks.example.com' });
  for (const authorization of ['', `Bearer ${unknown.key}`, `Bearer ${revoked.key}`])
    await knock(authorization);
  await refuse({ kind: 'credentials_refused', sentence: null });
  await refuse({ kind: 'unavailable', retryAfterSeconds: 5 });
  await refuse({ kind: 'refused', cause: 'status_402', sentence: 'There is no credit left' });
  await wait({ kind: 'credentials_refused', sentence: null });
  await wait({ kind: 'created', upstreamJobId: 'up-1' });
  await collect({ kind: 'too_large' });
  await collect({ kind: 'unreadable', raw: Buffer.from('{}') });
  await endPart();
  return [...told.values()];

  async function knock(authorization: string) {
    const { clientKeys } = fakeWorld({ clientKeys: [{ ...revoked.record, revokedAt: 1 }] });
    await authorize({ ...REQUEST, headers: { authorization } }, { clientKeys, log: listening });
  }

  async function refuse(creation: Creation) {
    await submitTo({ ...fakeWorld({ creations: [creation] }), log: listening });
  }

  /** ModelStudio does not take a job at once, and answers so when it is asked again. */
  async function wait(creation: Creation) {
    const fake = fakeWorld({ creations: [{ kind: 'unavailable', retryAfterSeconds: null }, creation] });
    const settings = { ...fake.settings, queueForSeconds: 3600 };
    await submitTo({ ...fake, log: listening, settings });
    const sent = fake.wakeUps.sent.find(({ queue }) => queue === 'create');
    fake.clock.time += 1000 * (sent?.delaySeconds ?? 0);
    await drain(sent?.message as CreateMessage, { ...fake, log: listening });
  }

  async function endPart() {
    const fake = fakeWorld();
    const part = queuedJob({ jobId: 'job_1-0-0', partOf: 'job_1' });
    await fake.jobs.insert(part);
    await finish(part, cancelled(part), { ...fake, log: listening });
  }

  async function submitTo(world: SubmitWorld) {
    const body = Buffer.from('{"model_id":"m","messages":[[{"role":"user","content":"Hello"}]]}');
    const request = { ...REQUEST, headers: { 'content-type': 'application/json' }, body };
    const authorized = { operation: 'submit', jobId: '', client: 'acme' } as const;
    await submit(request, authorized, world);
  }

  async function collect(report: Report) {
    const fake = fakeWorld({ reports: [report] });
    const job = runningJob({ doubt: { about: 'unreadable', since: 0 } });
    await fake.jobs.insert(job);
    const settings = { ...fake.settings, isCollector: true };
    await poll(pollMessage(1), false, { ...fake, log: listening, settings });
  }
}

async function failAtTheEdge(): Promise<void> {
  const fail = () => Promise.reject(new Error('It fails'));
  await lambdaHttp(fail)({ requestContext: { requestId: 'r1', http: { method: 'GET' } } } as never);
  const attributes = { ApproximateReceiveCount: '1' };
  const Records = [{ messageId: 'm1', receiptHandle: 'h1', body: '{}', attributes }];
  await lambdaSqs(
    (body) => body,
    fail,
    async () => undefined,
  )({ Records } as never);
  await missHeaders();
}

/** Of a client whose settings speak of headers that are in no secret. */
async function missHeaders(): Promise<void> {
  const Item = { headerHosts: { SS: ['hooks.example.com:443'] } };
  const answering = (answer: object) => ({ send: async () => answer }) as never;
  const credentialsOf = createCredentials(async () => [], answering({}), answering({ Item }), {
    clientKeysTable: 'clientKeys',
    stackName: 'ModelStudioJobs',
  });
  await credentialsOf('acme', new URL('https://hooks.example.com/'));
}

const LEVELS = { DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4 };

/** What Lambda writes in JSON of its own accord, and at which level, as its documentation has it. */
const PLATFORM: [level: keyof typeof LEVELS, line: object][] = [
  ['INFO', platform('platform.start', { requestId: 'r1', version: '$LATEST' })],
  ['DEBUG', platform('platform.runtimeDone', { requestId: 'r1', status: 'success' })],
  ['INFO', platform('platform.report', { requestId: 'r1', status: 'success', metrics: { durationMs: 12 } })],
  ['WARN', platform('platform.report', { requestId: 'r2', status: 'timeout', metrics: { durationMs: 2e4 } })],
  [
    'WARN',
    platform('platform.report', {
      requestId: 'r3',
      status: 'error',
      errorType: 'Runtime.OutOfMemory',
      metrics: { durationMs: 900 },
    }),
  ],
  ['WARN', platform('platform.initReport', { status: 'failure', errorType: 'Runtime.ExitError' })],
  // The runtime's, for what a function throws.
  [
    'ERROR',
    { timestamp: '…', level: 'ERROR', requestId: 'r4', errorType: 'Error', errorMessage: 'It fails' },
  ],
];

function platform(type: string, record: object): object {
  return { time: '2026-01-01T00:00:00.000Z', type, record };
}

/** Requests: answered, refused by a function and by the gateway, and one that failed in each. */
function accessLines(format: string): object[] {
  const answered = { requestId: 'r1', path: '/v1/jobs', routeKey: 'POST /v1/jobs', status: '202' };
  const cases: Record<string, string>[] = [
    answered,
    { ...answered, status: '401', integrationStatus: '200' },
    { ...answered, status: '429', 'error.responseType': 'THROTTLED' },
    { ...answered, status: '500', integrationStatus: '200' },
    {
      ...answered,
      status: '503',
      'error.responseType': 'INTEGRATION_FAILURE',
      integrationErrorMessage: 'No',
    },
  ];
  return cases.map((values) => {
    const text = format.replaceAll(/\$context\.([A-Za-z.]+)/g, (_, name: string) => values[name] ?? '-');
    return JSON.parse(text) as object;
  });
}
