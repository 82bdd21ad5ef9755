import {
  BatchGetItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { expect, it } from 'vitest';
import { submitAtRate } from '../../../tools/bench/flows/arrivals.ts';
import { Ledger } from '../../../tools/bench/flows/ledger.ts';
import { metadataOf } from '../../../tools/bench/flows/prose.ts';
import { System } from '../../../tools/bench/flows/system.ts';
import { countOf } from '../../cloud/meter.ts';

const JOBS = 40;
const READS = [GetItemCommand, BatchGetItemCommand, QueryCommand];
const WRITES = [PutItemCommand, UpdateItemCommand, DeleteItemCommand];

it('the bill is for the calls that the flows have made, which a proxy between them and AWS has recorded', async () => {
  const system = new System(new Ledger(JOBS, () => 20_000), {
    seed: 1,
    lagPerPoll: 1,
    modelOf: () => 'm',
    readShare: 0.5,
    fieldsOf: (index) => ({ metadata: metadataOf(index, 300) }),
    resultCharacters: 2000,
  });
  const recorded: object[] = [];
  const { cloud } = system;
  const apply = cloud.apply.bind(cloud);
  cloud.apply = (command) => {
    recorded.push(command as object);
    return apply(command);
  };
  const before = { ...cloud.meter.counts };
  submitAtRate(system, 20);
  await system.time.govern(() => system.time.run());
  // biome-ignore lint/suspicious/noExplicitAny: commands of several services
  const of = (...kinds: any[]) => recorded.filter((command) => kinds.some((kind) => command instanceof kind));
  const tableOf = (command: object) => (command as GetItemCommand).input.TableName;
  const counts = cloud.meter.since(before);

  expect(countOf(counts, 'dynamodb.requests')).toBe(of(...READS, ...WRITES).length);
  for (const table of ['jobs', 'documents', 'durationStats', 'clientKeys'])
    expect([table, counts[`dynamodb.requests.${table}`]]).toEqual([
      table,
      of(...READS, ...WRITES).filter((command) => tableOf(command) === table).length,
    ]);
  // Of a job without trouble: insert, running, finished, claimed, settled, each within a kilobyte.
  expect(of(...WRITES).filter((command) => tableOf(command) === 'jobs').length).toBe(5 * JOBS);
  expect(counts['dynamodb.writes.jobs']).toBe(5 * JOBS);
  expect(counts['sqs.sends']).toBe(of(SendMessageBatchCommand).length);
  expect(counts['secrets.calls']).toBe(of(GetSecretValueCommand).length);
  const messages = (of(SendMessageBatchCommand) as SendMessageBatchCommand[]).flatMap(
    ({ input }) => input.Entries ?? [],
  );
  expect(countOf(counts, 'lambda.messages')).toBe(messages.length);
  expect([counts['lambda.requests.submit'], counts['lambda.requests.jobs']]).toEqual([JOBS, JOBS / 2]);
});
