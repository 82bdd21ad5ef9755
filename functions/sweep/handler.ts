import { finishWorld, overdue, queue, uploads } from '../edge/world.ts';
import { sweep } from './sweep.ts';

const world = { ...finishWorld(), overdue: overdue(), queue: queue(), uploads: uploads() };

export const handler = () => sweep(world);
