import { TERMINAL, UNFINISHED } from '../functions/core/job.ts';

/** Of all changes of rows, those by which a job ends: once in its life, and of no part of a large job. */
export const FINISHING = {
  eventName: ['MODIFY'],
  dynamodb: {
    OldImage: { status: { S: [...UNFINISHED] } },
    NewImage: { status: { S: [...TERMINAL] }, partOf: { S: [{ exists: false }] } },
  },
};

/** What is told of a job, by where it is in its row. DynamoDB has numbers as text. */
export const DETAIL = {
  job_id: 'jobId.S',
  client: 'client.S',
  model_id: 'modelId.S',
  status: 'status.S',
  created_at_millis: 'createdAt.N',
  finished_at_millis: 'finishedAt.N',
};
