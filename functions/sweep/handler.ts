import { finishWorld, overdue } from '../edge/world.ts';
import { sweep } from './sweep.ts';

/** The function may run for 60 s; the rest is for the page that is under way. */
const SWEEP_MILLIS = 45_000;

const finish = finishWorld();
const settings = { ...finish.settings, sweepMillis: SWEEP_MILLIS };
const world = { ...finish, overdue: overdue(), settings };

export const handler = () => sweep(world);
