import { SWEEP_MILLIS } from '../core/limits.ts';
import { finishWorld, overdue, queue, uploads } from '../edge/world.ts';
import { sweep } from './sweep.ts';

const finish = finishWorld();
const settings = { ...finish.settings, sweepMillis: SWEEP_MILLIS };
const world = { ...finish, overdue: overdue(), queue: queue(), uploads: uploads(), settings };

export const handler = () => sweep(world);
