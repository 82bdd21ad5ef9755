import { REPORT_LIMITS } from '../core/limits.ts';
import { readPollMessage } from '../core/messages.ts';
import { lambdaSqs } from '../edge/lambda-sqs.ts';
import { required } from '../edge/settings.ts';
import { comeAgainFrom, durationStats, finishWorld, places } from '../edge/world.ts';
import { modelStudio } from '../edge/world-modelstudio.ts';
import type { FinishWorld } from '../finish/finish.ts';
import { type PollWorld, poll } from './poll.ts';

/** The polls of a batch end at nearly the same time, most of them with a message to send. */
const LINGER_MILLIS = 20;

type More = Required<Pick<PollWorld, 'advance'>>;

/** @param moreOf what the collector needs for large jobs */
export function pollHandler(name: 'poll' | 'collect', moreOf?: (world: FinishWorld) => More) {
  const batch = { lingerMillis: LINGER_MILLIS, underWay: 0 };
  const finish = finishWorld(batch);
  const isCollector = name === 'collect';
  const settings = { ...finish.settings, isCollector, reportLimits: REPORT_LIMITS[name] };
  const world = {
    ...finish,
    durationStats: durationStats(),
    modelStudio: modelStudio(),
    places: places(),
    ...moreOf?.(finish),
    settings,
  };
  return lambdaSqs(
    readPollMessage,
    (message, isRepeat) => poll(message, isRepeat, world).then(() => null),
    comeAgainFrom(required(isCollector ? 'COLLECT_QUEUE_URL' : 'POLL_QUEUE_URL')),
    batch,
  );
}
