import type { MetricValues } from './metrics.ts';

/** What may be logged about a unit of work: there is no field for a prompt, a result or a key. */
export interface LogFields {
  outcome: string;
  job_id?: string;
  /** The large job of which it is a part. */
  part_of?: string;
  upload_id?: string;
  /** Of the job or, without one, of the request. What is about many jobs at once has none. */
  trace_id?: string;
  client?: string;
  host?: string;
  model_id?: string;
  total_tasks?: number;
  completed_tasks?: number;
  failed_tasks?: number;
  poll?: number;
  attempt?: number;
  wait_seconds?: number;
  age_seconds?: number;
  /** Overdue jobs of a later release. */
  left_for_later?: number;
  /** Queued jobs that ModelStudio has answered for good and refused in a pass, and its pace in creates per second. */
  answered?: number;
  refused?: number;
  rate?: number;
  status?: number;
  cause?: string;
  /** ModelStudio's own sentence about a refusal that is not about the request. */
  said?: string;
  duration_ms?: number;
}

export type Stage =
  | 'authorize'
  | 'submit'
  | 'create'
  | 'poll'
  | 'finish'
  | 'deliver'
  | 'redeliver'
  | 'delete'
  | 'upload'
  | 'sweep';

export interface Log {
  /** One line for a unit of work, with what it adds to the metrics. */
  event(stage: Stage, fields: LogFields, metrics?: MetricValues): void;
  /** The same for frequent work, such as a poll that finds nothing new: one line for a whole invocation. */
  aggregate(stage: Stage, fields: LogFields, metrics?: MetricValues): void;
}
