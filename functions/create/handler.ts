import { readCreateMessage } from '../core/messages.ts';
import { lambdaSqs } from '../edge/lambda-sqs.ts';
import { required } from '../edge/settings.ts';
import { sleep } from '../edge/system.ts';
import { comeAgainFrom, durationStats, finishWorld, places, queue } from '../edge/world.ts';
import { modelStudio } from '../edge/world-modelstudio.ts';
import { drain } from './drain.ts';

const world = {
  ...finishWorld(),
  durationStats: durationStats(),
  modelStudio: modelStudio(),
  queue: queue(),
  places: places(),
  sleep,
};

export const handler = lambdaSqs(
  readCreateMessage,
  (message) => drain(message, world),
  comeAgainFrom(required('CREATE_QUEUE_URL')),
);
