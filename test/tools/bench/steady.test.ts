import type { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, it } from 'vitest';
import { UNITS_PER_JOB } from '../../../lib/storage/storage.ts';
import { measure } from '../../../tools/bench/cost/measure.ts';
import { synthesize } from '../../stack/synthesis.ts';

// biome-ignore lint/suspicious/noExplicitAny: CloudFormation properties have no types
type Properties = any;

const templates = new Map<string, Template>();

function propertiesOf(type: string, settings: Record<string, unknown>): Properties[] {
  const name = JSON.stringify(settings);
  const template = templates.get(name) ?? synthesize({ organizationId: 'org_test', ...settings });
  templates.set(name, template);
  const resources = template.findResources(type);
  return Object.values(resources).map((resource) => resource['Properties']);
}

const unitsOf = ({ ProvisionedThroughput }: Properties) =>
  ProvisionedThroughput && Object.values(ProvisionedThroughput);

describe('the tables that each job is written to', () => {
  const keyOf = ({ KeySchema: [{ AttributeName }] }: Properties): string => AttributeName;
  const capacityOf = (table: Properties) => ({
    isOnDemand: table.BillingMode === 'PAY_PER_REQUEST',
    units: [table, ...(table.GlobalSecondaryIndexes ?? [])].map(unitsOf),
  });

  it.each([
    [
      'are billed on demand',
      {},
      {
        jobId: { isOnDemand: true, units: [undefined, undefined, undefined, undefined] },
        key: { isOnDemand: true },
      },
    ],
    [
      'are provisioned for a steady load, as their indexes are',
      { steadyJobsPerSecond: 100 },
      {
        jobId: { isOnDemand: false, units: [[638, 638], [13, 250], [13, 125], [13, 13]] }, // biome-ignore format: a table
        key: { isOnDemand: false, units: [[125, 125]] },
      },
    ],
    [
      'have a unit at least',
      { steadyJobsPerSecond: 1 },
      {
        jobId: { isOnDemand: false, units: [[7, 7], [1, 3], [1, 2], [1, 1]] }, // biome-ignore format: a table
        key: { isOnDemand: false, units: [[2, 2]] },
      },
    ],
  ])('%s', (_what, settings, capacities) => {
    const tables = propertiesOf('AWS::DynamoDB::Table', settings);
    const found = Object.fromEntries(tables.map((table) => [keyOf(table), capacityOf(table)]));
    expect(found).toMatchObject({
      ...capacities,
      bucket: { isOnDemand: true },
      sha256: { isOnDemand: true },
    });
  });

  it('follow the load from a fourth of it to four times of it', () => {
    const settings = { steadyJobsPerSecond: 100 };
    const targets = propertiesOf('AWS::ApplicationAutoScaling::ScalableTarget', settings);
    const ranges = targets.map(({ ScalableDimension, MinCapacity, MaxCapacity }) => [
      ScalableDimension,
      MinCapacity,
      MaxCapacity,
    ]);
    expect(ranges.toSorted()).toEqual([
      ['dynamodb:index:ReadCapacityUnits', 4, 52],
      ['dynamodb:index:ReadCapacityUnits', 4, 52],
      ['dynamodb:index:ReadCapacityUnits', 4, 52],
      ['dynamodb:index:WriteCapacityUnits', 32, 500],
      ['dynamodb:index:WriteCapacityUnits', 4, 52],
      ['dynamodb:index:WriteCapacityUnits', 63, 1000],
      ['dynamodb:table:ReadCapacityUnits', 160, 2552],
      ['dynamodb:table:ReadCapacityUnits', 32, 500],
      ['dynamodb:table:WriteCapacityUnits', 160, 2552],
      ['dynamodb:table:WriteCapacityUnits', 32, 500],
    ]);
    const policies = propertiesOf('AWS::ApplicationAutoScaling::ScalingPolicy', settings);
    const used = policies.map(({ TargetTrackingScalingPolicyConfiguration: { TargetValue } }) => TargetValue);
    expect(used).toEqual(Array(10).fill(80));
  });
});

describe('the busy queues', () => {
  it.each([
    ['hand over what they have', {}, 0],
    ['hand over what they have to a steady load of less', { steadyJobsPerSecond: 99 }, 0],
    ['gather for a second from 100 jobs a second on', { steadyJobsPerSecond: 100 }, 1],
  ])('%s', (_what, settings, seconds) => {
    const sources = propertiesOf('AWS::Lambda::EventSourceMapping', settings);
    const windows = sources.map(({ BatchSize, MaximumBatchingWindowInSeconds = 0 }) => [
      BatchSize,
      MaximumBatchingWindowInSeconds,
    ]);
    expect(windows.toSorted()).toEqual([[1, 0], [1, 0], [10, seconds], [10, seconds]]); // biome-ignore format: a table
    const queues = propertiesOf('AWS::SQS::Queue', settings);
    const hidden = queues.flatMap(({ VisibilityTimeout = [] }) => VisibilityTimeout);
    expect(hidden.toSorted((a: number, b: number) => a - b)).toEqual([
      120 + seconds,
      180 + seconds,
      270,
      1080,
    ]);
  });
});

describe('a job takes the units that are provisioned for it', () => {
  const JOBS = 400;
  let counts: Readonly<Record<string, number>>;
  beforeAll(async () => {
    ({ counts } = await measure({ jobsPerSecond: 100, jobs: JOBS }));
  });
  const perJob = (name: string) => (counts[`dynamodb.${name}`] ?? 0) / JOBS;

  it.each([
    ['writes.jobs', UNITS_PER_JOB.jobs.write],
    ['writes.jobs/client', UNITS_PER_JOB.client.write],
    ['writes.jobs/sweep', UNITS_PER_JOB.sweep.write],
    ['writes.documents', UNITS_PER_JOB.documents.write],
    ['reads.jobs', UNITS_PER_JOB.jobs.read],
    ['reads.documents', UNITS_PER_JOB.documents.read],
  ])('%s', (name, units) => {
    expect(perJob(name) / units).toBeGreaterThan(0.9);
    expect(perJob(name) / units).toBeLessThan(1.1);
  });
});
