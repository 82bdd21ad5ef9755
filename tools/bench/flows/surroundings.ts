import type { Millis } from '../../../functions/core/job.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import type { DurationStats } from '../../../functions/ports.ts';
import type { Cloud } from '../../../test/cloud/cloud.ts';
import type { EventSource } from '../../../test/cloud/queue.ts';
import type { VirtualTime } from '../../../test/cloud/time.ts';
import type { Random } from '../../simulation/random.ts';
import type { Outside } from './outside.ts';
import type { Overhead } from './overhead.ts';

export interface Options {
  seed: number;
  /** λ. */
  lagPerPoll: number;
  modelOf: (index: number) => string;
  /** Of each job, if not one. What is too large for a request is uploaded. */
  conversations?: number;
  /** Of the request for a job, where they are not as usual. */
  fieldsOf?: (index: number) => object;
  /** The share of invocations that meet a fault. */
  faults?: number;
  /** Takes the place of what past jobs have taught; `poll` is the number of the poll that plans the next one. */
  durationStatsOf?: (poll: number) => DurationStats;
  /** How long the other side takes to answer, where it is not as usual. */
  exchangeMillis?: (request: ExchangeRequest) => Millis | null;
  /** Before the first attempt at a delivery. */
  deliveryWaitSeconds?: number;
  /** How long a poll that failed stays hidden, if not as long as is deployed. */
  pollVisibilityMillis?: Millis;
  eventSource?: EventSource;
  /** Of a job's result, which is English. */
  resultCharacters?: number;
  /** The share of jobs that their app reads once, when it has their webhook. */
  readShare?: number;
  /** Nothing is logged, which saves time where logs are not counted. */
  isSilent?: boolean;
  /** Rows that nobody will read again are not kept in memory. */
  isForgetful?: boolean;
}

/** What all environments of a system share. */
export interface Surroundings {
  readonly options: Options;
  readonly overhead: Overhead;
  readonly time: VirtualTime;
  readonly random: Random;
  readonly cloud: Cloud;
  readonly outside: Outside;
}
