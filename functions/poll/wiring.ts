import { PollMessage } from '../core/messages.ts';
import { lambdaSqs } from '../edge/lambda-sqs.ts';
import { finishWorld, modelStudio } from '../edge/world.ts';
import { poll } from './poll.ts';

export interface PollerLimits {
  isCollector: boolean;
  /** For one report of ModelStudio's, in all. */
  reportDeadlineMillis: number;
  reportMaxBytes: number;
}

/** The poller and the collector are the same flow within different limits. */
export function pollHandler({ isCollector, ...limits }: PollerLimits) {
  const finish = finishWorld();
  const settings = { ...finish.settings, isCollector };
  const world = { ...finish, modelStudio: modelStudio(limits), settings };
  return lambdaSqs(
    (body) => PollMessage.parse(body),
    (message) => poll(message, world),
  );
}
