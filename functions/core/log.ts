import type { MetricValues } from './metrics.ts';

type Texts<Name extends string> = Partial<Record<Name, string>>;
type Numbers<Name extends string> = Partial<Record<Name, number>>;

/** What may be logged about a unit of work: there is no field for a prompt, a result or a key. */
export type LogFields = { outcome: string } & Texts<'job_id' | 'upload_id' | 'client' | 'host' | 'model_id'> &
  /** The large job that it is a part of. The trace of the job or, without one, of the request: what is about many jobs has none. */
  Texts<'part_of' | 'trace_id'> &
  /** `said`: ModelStudio's own sentence about a refusal that is not about the request. */
  Texts<'cause' | 'said'> &
  Numbers<'total_tasks' | 'completed_tasks' | 'failed_tasks' | 'poll' | 'attempt' | 'status'> &
  Numbers<'wait_seconds' | 'age_seconds' | 'duration_ms'> &
  /** Overdue jobs of a later release; queued jobs that ModelStudio has answered for good and refused in a pass, and creates per second. */
  Numbers<'left_for_later' | 'answered' | 'refused' | 'rate'>;

type OfRequests = 'authorize' | 'submit' | 'redeliver' | 'delete' | 'upload';
export type Stage = OfRequests | 'create' | 'poll' | 'finish' | 'deliver' | 'sweep';

export interface Log {
  /** One line for a unit of work, with what it adds to the metrics. */
  event(stage: Stage, fields: LogFields, metrics?: MetricValues): void;
  /** The same for frequent work, such as a poll that finds nothing new: one line for a whole invocation. */
  aggregate(stage: Stage, fields: LogFields, metrics?: MetricValues): void;
}
