import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS, NAMESPACE } from '../../functions/core/metrics.ts';
import { ALARMS, NOT_ANNOUNCED } from '../../lib/monitoring/alarms.ts';
import { synthesize } from './synthesis.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const runbook = read('docs/runbook.md');

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Properties = any;

let template: Template;
let dashboard: string;

const resourcesOf = (type: string, of = template): [string, Properties][] =>
  Object.entries(of.findResources(type)).map(([id, { Properties }]) => [id, Properties]);
const alarmsOf = (of = template) => resourcesOf('AWS::CloudWatch::Alarm', of).map(([, alarm]) => alarm);

beforeAll(() => {
  template = synthesize();
  const [[, { DashboardBody }] = ['', {}]] = resourcesOf('AWS::CloudWatch::Dashboard');
  const parts: unknown[] = DashboardBody['Fn::Join'][1];
  dashboard = parts.map((part) => (typeof part === 'string' ? part : idIn(part))).join('');
});

/** The logical id in a `Ref` or an `Fn::GetAtt`. */
function idIn(value: Properties): string {
  return value?.Ref ?? value?.['Fn::GetAtt']?.[0] ?? value;
}

interface Metric {
  namespace: string;
  name: string;
  /** `name=value`, a value of the template by its logical id. */
  dimensions: string[];
}

function metricsIn(alarm: Properties): Metric[] {
  const stats = (alarm.Metrics ?? []).flatMap((each: Properties) => each.MetricStat?.Metric ?? []);
  return (alarm.Metrics ? stats : [alarm]).map(({ Namespace, MetricName, Dimensions }: Properties) => ({
    namespace: Namespace,
    name: MetricName,
    dimensions: Dimensions.map(({ Name, Value }: Properties) => `${Name}=${idIn(Value)}`),
  }));
}

/** A line of a graph: `[namespace, name, dimension, value, …, options]`, or an expression over others. */
function metricsOnDashboard(): Metric[] {
  const graphs = JSON.parse(dashboard).widgets.filter((widget: Properties) => widget.type === 'metric');
  const lines: Properties[][] = graphs.flatMap((graph: Properties) => graph.properties.metrics);
  return lines
    .filter(([namespace]) => typeof namespace === 'string')
    .map(([namespace, name, ...rest]) => {
      const words = rest.filter((word) => typeof word === 'string');
      const dimensions = words.flatMap((word, i) => (i % 2 === 0 ? [`${word}=${words[i + 1]}`] : []));
      return { namespace, name, dimensions };
    });
}

const metricsOfAlarms = () => alarmsOf().flatMap(metricsIn);
const ownMetrics = () =>
  [...metricsOfAlarms(), ...metricsOnDashboard()].filter(({ namespace }) => namespace === NAMESPACE);

/** Of a heading, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

const headingsIn = (text: string, level: string) =>
  [...text.matchAll(new RegExp(`^${level} (.+)$`, 'gm'))].map(([, heading = '']) => heading);

describe('the runbook', () => {
  const [, alarmPart = ''] = runbook.split('\n## Alarms\n');

  it('has a heading for each alarm, in that order, and no other', () => {
    expect(headingsIn(alarmPart, '###').map(anchorOf)).toEqual(
      [...ALARMS, NOT_ANNOUNCED].map(({ name }) => name),
    );
  });

  it('is linked by each alarm', () => {
    const links = alarmsOf().map(({ AlarmDescription }) => AlarmDescription.split(' ').at(-1));
    expect(new Set(links)).toEqual(new Set(ALARMS.map(({ name }) => `docs/runbook.md#${name}`)));
  });

  it('says of each alarm what it means, where to look and what to do', () => {
    for (const chapter of alarmPart.split('\n### ').slice(1)) {
      const [heading] = chapter.split('\n');
      for (const part of ['\n**Means** ', '\n**Look** ', '\n```\n', '\n**Do** '])
        expect(chapter, heading).toContain(part);
    }
  });

  it('has no link to a heading that is not there', () => {
    const anchors = headingsIn(runbook, '#{2,3}').map(anchorOf);
    for (const [, anchor] of runbook.matchAll(/\]\(#([^)]*)\)/g)) expect(anchors).toContain(anchor);
  });

  it('states the true costs', () => {
    const watched = metricsOfAlarms().length;
    const own = METRICS.length;
    const atRest = watched * 0.1 + 3 + 2 * 0.3;
    const [, head = ''] = /\n(Monitoring costs per month[\s\S]*?)\n## /.exec(runbook) ?? [];
    const text = head.replace(/\s+/g, ' ');
    expect(text).toContain(
      `${alarmsOf().length} alarms over ${watched} metrics at $0.10 make ${usd(watched * 0.1)}`,
    );
    expect(text).toContain(`up to ${own} metrics of our own at $0.30 another ${usd(own * 0.3)}`);
    expect(text).toContain(
      `${usd(atRest)} for a stack at rest, ${usd(watched * 0.1 + 3 + own * 0.3)} at most`,
    );
  });
});

describe('the README', () => {
  const text = read('README.md').replace(/\s+/g, ' ');
  const bench = read('docs/bench/cost.md');
  /** The last price in the first row of the bench that begins so. */
  const measured = (row: string) => {
    const line = bench.split('\n').find((each) => each.startsWith(`| ${row}`)) ?? '';
    return Number(/\$([\d.]+)[^$]*$/.exec(line)?.[1]);
  };

  it('states the true cost of a month', () => {
    const unwatched = ['empty receives', 'a sweep each minute', '2 secrets'].map(measured);
    const fixed = unwatched.reduce((sum, cost) => sum + cost, metricsOfAlarms().length * 0.1 + 3);
    const inUse = fixed + METRICS.length * 0.3;
    expect(text).toContain(
      `At rest it costs about $${Math.round(fixed + 2 * 0.3)} a month, in use up to $${Math.ceil(inUse)}, `,
    );
  });

  it('states the true cost of a million jobs', () => {
    const [one, hundred] = [measured('**this, at 1 jobs/s**'), measured('**this, at 100 jobs/s**')];
    expect(text).toContain(
      `cost](docs/cost.md) about $${Math.round(one)} at one per second and $${Math.round(hundred)} at a hundred`,
    );
    expect(text).toContain(`| **this** | $${Math.round(hundred)} to $${Math.round(one)} |`);
  });
});

const usd = (amount: number) => `$${amount.toFixed(2)}`;

describe('the metrics that the functions write', () => {
  it("exist for each that an alarm or the dashboard names, with the stack's own name", () => {
    const services = resourcesOf('AWS::Lambda::Function').map(
      ([, fn]) => `service=${fn.Environment.Variables.SERVICE_NAME}`,
    );
    const [service] = services;
    expect(new Set(services).size).toBe(1);
    for (const { name, dimensions } of ownMetrics()) {
      expect(METRICS).toContain(name);
      expect(dimensions, name).toEqual([service]);
    }
  });

  it.each(METRICS)('are all on an alarm or the dashboard: %s', (name) => {
    expect(ownMetrics().map((metric) => metric.name)).toContain(name);
  });
});

/** What is watched of each resource of a type. Dead letters are the queues without dead letters of their own. */
const WATCHED = [
  { type: 'AWS::Lambda::Function', name: 'Errors', dimension: 'FunctionName' },
  { type: 'AWS::Lambda::Function', name: 'Throttles', dimension: 'FunctionName' },
  {
    type: 'AWS::SQS::Queue',
    where: (queue: Properties) => queue.RedrivePolicy,
    name: 'ApproximateAgeOfOldestMessage',
    dimension: 'QueueName',
  },
  {
    type: 'AWS::SQS::Queue',
    where: (queue: Properties) => !queue.RedrivePolicy,
    name: 'ApproximateNumberOfMessagesVisible',
    dimension: 'QueueName',
  },
  { type: 'AWS::ApiGatewayV2::Api', name: '5xx', dimension: 'ApiId' },
  { type: 'AWS::ApiGatewayV2::Api', name: '4xx', dimension: 'ApiId' },
];

describe('alarms', () => {
  it.each(WATCHED)('watch $name of every $type', ({ type, where = () => true, name, dimension }) => {
    const ids = resourcesOf(type)
      .filter(([, properties]) => where(properties))
      .map(([id]) => `${dimension}=${id}`);
    const watched = metricsOfAlarms().filter((metric) => metric.name === name);
    expect(ids.length).toBeGreaterThan(0);
    expect(watched.flatMap(({ dimensions }) => dimensions).sort()).toEqual(ids.sort());
  });

  it("and the dashboard see throttled requests of every kind that a function may make to the jobs' tables", () => {
    const statements = resourcesOf('AWS::IAM::Policy').flatMap(
      ([, { PolicyDocument }]) => PolicyDocument.Statement,
    );
    const asked = statements.flatMap(({ Action, Resource }: Properties) =>
      [Resource].flat().flatMap((resource) => {
        const [, table] = /"(State(?:Jobs|Documents)\w+)"/.exec(JSON.stringify(resource)) ?? [];
        return table === undefined ? [] : [Action].flat().map((action) => `${table} ${action}`);
      }),
    );
    const watchedIn = (metrics: Metric[]) =>
      metrics.flatMap(({ name, dimensions }) => {
        const [, operation] = dimensions.join().match(/Operation=(\w+)/) ?? [];
        const [, table] = dimensions.join().match(/TableName=(\w+)/) ?? [];
        return name === 'ThrottledRequests' ? [`${table} dynamodb:${operation}`] : [];
      });
    expect(new Set(asked).size).toBeGreaterThan(5);
    for (const metrics of [metricsOfAlarms(), metricsOnDashboard()]) {
      expect(watchedIn(metrics)).toEqual(expect.arrayContaining([...new Set(asked)]));
    }
  });

  it('are all on the dashboard, above everything else', () => {
    const [heading, status] = JSON.parse(dashboard).widgets;
    expect(heading.properties.markdown).toBe('## Is it healthy?');
    expect(status.properties.alarms).toEqual(resourcesOf('AWS::CloudWatch::Alarm').map(([id]) => id));
  });

  it("have unique names that begin with the stack's", () => {
    const names = alarmsOf().map(({ AlarmName }) => AlarmName);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !name.startsWith('ModelStudioJobs-'))).toEqual([]);
  });

  it('treat missing data as good, except for the heartbeat and the dead letters', () => {
    for (const { AlarmName, TreatMissingData } of alarmsOf()) {
      const [, special] = /-(sweeper-not-running$|dead-letters-)/.exec(AlarmName) ?? [];
      const treatment = { 'sweeper-not-running': 'breaching', 'dead-letters-': 'ignore' }[special ?? ''];
      expect(TreatMissingData, AlarmName).toBe(treatment ?? 'notBreaching');
    }
  });

  it.each([...ALARMS, NOT_ANNOUNCED])(
    'have an evaluation that CloudWatch allows: $name',
    ({ when, means }) => {
      const { bad, of, periodMinutes } = when;
      expect(bad).toBeLessThanOrEqual(of);
      // CloudWatch looks back a day at most.
      expect(periodMinutes * of).toBeLessThanOrEqual(24 * 60);
      expect(means).toMatch(/^[A-Z].*[^.]\.$/);
    },
  );
});

describe('the topic of the alarms', () => {
  const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:on-call';

  it('is notified of every alarm', () => {
    const [[topic] = []] = resourcesOf('AWS::SNS::Topic');
    for (const alarm of alarmsOf()) expect(alarm.AlarmActions).toEqual([{ Ref: topic }]);
  });

  it('accepts messages from CloudWatch alone, and over TLS only', () => {
    const [[, policy] = []] = resourcesOf('AWS::SNS::TopicPolicy');
    expect(policy.PolicyDocument.Statement).toMatchObject([
      { Action: 'sns:Publish', Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      { Action: 'sns:Publish', Effect: 'Allow', Principal: { Service: 'cloudwatch.amazonaws.com' } },
    ]);
  });

  it('sends mail to alarmEmail, and to nobody if it is not set', () => {
    const told = synthesize({ organizationId: 'org_test', alarmEmail: 'ops@example.com' });
    told.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
    const silent = synthesize({ organizationId: 'org_test', alarmEmail: undefined });
    expect(resourcesOf('AWS::SNS::Subscription', silent)).toEqual([]);
  });

  it("may be the operator's own", () => {
    const own = synthesize({ organizationId: 'org_test', alarmTopicArn: TOPIC });
    for (const alarm of alarmsOf(own)) expect(alarm.AlarmActions).toEqual([TOPIC]);
    expect(resourcesOf('AWS::SNS::Topic', own)).toEqual([]);
  });
});
