import { beforeAll, expect, it } from 'vitest';
import { describeWith } from '../needs.ts';
import { runAmongHosts, TRIAL } from './hosts.ts';
import { SERVING, SILENT, SLOW, type Told } from './several-addresses.ts';

/** `ATTEMPTS=1000 npx vitest run test/edge/addresses.test.ts` makes more of them to the address behind one that refuses. */
const { ATTEMPTS = '100' } = process.env;

const [SERVES = '', UNTOUCHED = '', PRIVATE = ''] = SERVING;
const REFUSES = ['9.9.2.1', '9.9.2.2', '9.9.2.3', '9.9.2.4', '9.9.2.5', '9.9.2.6', '9.9.2.7'] as const;
const [SILENT_A = ''] = SILENT;
const SILENT_V6 = '2a00::3';
const REFUSES_V6 = '2a00::2';

const delivered = { kind: 'answered', status: 204, retryAfterSeconds: null };
const failed = (error: string) => ({ kind: 'failed', error });

const cases: [name: string, addresses: readonly string[], exchange: object][] = [
  ['first-refuses', [REFUSES[0], SERVES], delivered],
  ['first-silent', [SILENT_A, SERVES], delivered],
  ['first-slow', [SLOW, REFUSES[0]], delivered],
  ['v6-refuses', [REFUSES_V6, SERVES], delivered],
  ['v6-silent', [SILENT_V6, SERVES], delivered],
  ['all-refuse', [REFUSES[0], REFUSES[1]], failed('connection_failed')],
  ['eighth-serves', [...REFUSES, SERVES], delivered],
  ['second-not-public', [UNTOUCHED, PRIVATE], { kind: 'blocked' }],
  ['first-not-public', [PRIVATE, UNTOUCHED], { kind: 'blocked' }],
  ['public-but-for-v6', [UNTOUCHED, 'fd00::1'], { kind: 'blocked' }],
];
const hurried: Record<string, readonly string[]> = {
  'all-silent': SILENT,
  'seven-silent': [...SILENT.filter((each) => each !== SILENT_V6), SERVES],
};

await describeWith('network namespaces', TRIAL, 'a name of several addresses', () => {
  let told: Told;
  beforeAll(async () => {
    const names = Object.fromEntries(cases.map(([name, addresses]) => [name, addresses]));
    told = await runAmongHosts<Told>(
      'test/edge/several-addresses.ts',
      { ...names, ...hurried },
      { ATTEMPTS },
    );
  });

  it.each(cases)('is tried at its addresses in turn: %s: %j', (name, _addresses, exchange) => {
    expect(told.exchanges[name], `after ${told.millis[name]} ms`).toEqual(exchange);
  });

  it('is called at none of its addresses if one of them is not public', () => {
    expect(told.connections).toMatchObject({ [UNTOUCHED]: 0, [PRIVATE]: 0 });
  });

  it('has one deadline for all its addresses, of which each gets a share', () => {
    expect(told.hurried).toEqual(['timeout', 'answered']);
  });

  it(`leaves no connection open behind after ${ATTEMPTS} attempts`, () => {
    const { delivered, filesBefore, filesAfter } = told.many;
    expect(delivered).toBe(Number(ATTEMPTS));
    expect(Math.abs(filesAfter - filesBefore)).toBeLessThanOrEqual(2);
  });
});
