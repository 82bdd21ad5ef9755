import { paginateQuery, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { GATE_ID, type Gate } from '../../functions/core/queue/gate.ts';
import { QUEUE, waitingAt } from '../../functions/core/queue/queue-keys.ts';
import { createJobQueue } from '../../functions/edge/queue-table.ts';
import { createRows } from '../../functions/edge/rows.ts';
import type { Target } from './target.ts';

/** The jobs that wait until ModelStudio takes them. */
export interface WaitingJobs {
  gate: Gate;
  count: number;
  /** When the first of them came; null if none waits. */
  oldestAt: number | null;
}

export async function waitingJobsOf(target: Target): Promise<WaitingJobs> {
  const { dynamodb: client } = target.clients;
  const TableName = await target.jobsTable();
  const gate = await createJobQueue(createRows(client, TableName), { now: Date.now }, false).gate();
  const query = {
    TableName,
    IndexName: 'queue',
    KeyConditionExpression: 'queueName = :queue',
    ExpressionAttributeValues: marshall({ ':queue': QUEUE }),
  };
  const times: number[] = [];
  for await (const { Items = [] } of paginateQuery({ client }, query))
    times.push(...Items.map(({ queuePlace }) => waitingAt('', queuePlace?.S ?? '').since));
  const oldestAt = times.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  return { gate, count: times.length, oldestAt: times.length === 0 ? null : oldestAt };
}

export function whyJobsWait({ isFull, pace }: Gate): 'no_place' | 'refused' | 'pace' {
  if (isFull) return 'no_place';
  return pace.refusedProbes > 0 ? 'refused' : 'pace';
}

/** Writes nothing of the gate but this, as the functions change the rest of it meanwhile. */
export async function setPaused(target: Target, isPaused: boolean): Promise<void> {
  const update = new UpdateItemCommand({
    TableName: await target.jobsTable(),
    Key: marshall({ jobId: GATE_ID }),
    UpdateExpression: 'SET isPaused = :isPaused',
    ExpressionAttributeValues: marshall({ ':isPaused': isPaused }),
  });
  await target.clients.dynamodb.send(update);
}
