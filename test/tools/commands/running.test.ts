import { once } from 'node:events';
import { expect, it } from 'vitest';
import { type LocalSystem, startLocally } from '../blackbox/system.ts';
import { command } from './operated.ts';

const ends: [string, (system: LocalSystem) => Promise<unknown>][] = [
  ['was stopped', (system) => system.stop()],
  [
    'was killed',
    async ({ process }) => {
      process.kill('SIGKILL');
      await once(process, 'exit');
    },
  ],
];
it.each(ends)('a local system is found while it runs, and not once it %s', async (_, end) => {
  const system = await startLocally();
  const { port } = new URL(system.api_url);
  const list = () => command('keys', ['list', '--local', '--port', port]);
  try {
    expect((await list()).stdout).toContain('\tfirst-app\t');
  } finally {
    await end(system);
  }
  const stderr = `No local system runs on port ${port}: start one with \`npm start\`.\n`;
  expect(await list()).toEqual({ code: 1, stdout: '', stderr });
});
