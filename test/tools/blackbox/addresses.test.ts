import { beforeAll, expect, it } from 'vitest';
import { runAmongHosts, TRIAL } from '../../edge/hosts.ts';
import { describeWith } from '../../needs.ts';
import { ALONE, RECEIVERS, SILENT, type Told } from './several-addresses.ts';

/** It starts all of the system for itself, so it runs where it is asked for: AMONG_HOSTS=yes npx vitest run FILE */
const { AMONG_HOSTS } = process.env;
const wanted: typeof TRIAL = AMONG_HOSTS ? TRIAL : ['false'];

const { plain } = RECEIVERS;
const [SILENT_V4 = '', SILENT_V6 = ''] = SILENT;

const NAMES: Record<string, string[]> = {
  'first-refuses': ['9.9.2.1', plain],
  'v6-refuses': ['2a00::2', plain],
  'first-silent': [SILENT_V4, plain],
  'v6-silent': [SILENT_V6, plain],
  'all-refuse': ['9.9.2.1', '9.9.2.2'],
  'second-not-public': [plain, '10.9.1.1'],
  ...Object.fromEntries(Object.entries(RECEIVERS).map(([name, address]) => [name, [address]])),
};
// Nine that share a batch with one that must not take them along.
for (let i = 0; i < 9; i++) NAMES[`neighbour-${i}`] = [plain];
NAMES['among-neighbours'] = ['9.9.2.1', plain];

const STATUSES: Record<string, string> = {
  'all-refuse': 'exhausted',
  'second-not-public': 'blocked',
  'gone-with-large-headers': 'gone',
};

await describeWith(
  'network namespaces, or AMONG_HOSTS=yes',
  wanted,
  'the whole system, among receivers of several addresses',
  () => {
    let told: Map<string, Told>;
    let posts: Record<string, number>;
    beforeAll(async () => {
      const program = 'test/tools/blackbox/several-addresses.ts';
      const said = await runAmongHosts<{ told: Told[]; posts: typeof posts }>(program, NAMES, {
        WEBHOOK_RETRY_SCHEDULE_SECONDS: '0',
      });
      told = new Map(said.told.map((each) => [each.name, each]));
      posts = said.posts;
      for (const name of ALONE) console.log(`${name}: ${told.get(name)?.millis} ms after the job's end`);
    });

    it.each(Object.keys(NAMES))('a webhook to %s ends as it should', (name) => {
      const status = STATUSES[name] ?? 'delivered';
      expect(told.get(name)).toMatchObject({ status, attempts: [{ attempt: 1 }] });
    });

    it('each webhook is posted once, and none to a name that is not public', () => {
      const { 'all-refuse': _, 'second-not-public': __, ...called } = NAMES;
      expect(posts).toEqual(Object.fromEntries(Object.keys(called).map((name) => [name, 1])));
    });
  },
);
