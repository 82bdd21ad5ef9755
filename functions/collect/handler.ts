import { number } from '../edge/settings.ts';
import { queue, sources } from '../edge/world.ts';
import { pollHandler } from '../poll/poll-handler.ts';

export const handler = pollHandler('collect', (finish) => {
  const ports = { queue: queue(), sources: sources() };
  const world = { ...finish, ...ports, partsAtOnce: number('PARTS_AT_ONCE') };
  // Few jobs are large, and what checks conversations takes long to load.
  return { ...ports, advance: async (job) => (await import('#parts')).advance(job, world) };
});
