import { describe, expect, it } from 'vitest';
import {
  headersSecret,
  hostAndPort,
  liveSecrets,
  OVERLAP_MILLIS,
} from '../../functions/core/webhook/client-settings.ts';
import { clientSecret } from '../../functions/core/webhook/signature.ts';

const NOW = Date.UTC(2026, 0, 1);
const ROOT = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const ROOT_BEFORE = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

describe('the secrets that are alive', () => {
  it.each<[what: string, settings: object, generations: number[]]>([
    ['of a client without a row', {}, [1]],
    ['of a row that says nothing of a generation', { headerHosts: new Set(['a:443']) }, [1]],
    ['just after a rotation', { generation: 2, rotatedAt: NOW }, [2, 1]],
    ['after a rotation by a clock that is ahead', { generation: 2, rotatedAt: NOW + 5000 }, [2, 1]],
    ['at the end of the week', { generation: 2, rotatedAt: NOW - OVERLAP_MILLIS + 1 }, [2, 1]],
    ['after the week', { generation: 2, rotatedAt: NOW - OVERLAP_MILLIS }, [2]],
    ['after two rotations in a week', { generation: 3, rotatedAt: NOW }, [3, 2]],
  ])('are these %s', (_what, settings, generations) => {
    const expected = generations.map((generation) => clientSecret(ROOT, 'my-app', generation));
    expect(liveSecrets([ROOT], 'my-app', settings, NOW)).toEqual(expected);
  });

  it('are one for each root and generation, the latest first', () => {
    const settings = { generation: 2, rotatedAt: NOW };
    expect(liveSecrets([ROOT, ROOT_BEFORE], 'my-app', settings, NOW)).toEqual([
      clientSecret(ROOT, 'my-app', 2),
      clientSecret(ROOT, 'my-app', 1),
      clientSecret(ROOT_BEFORE, 'my-app', 2),
      clientSecret(ROOT_BEFORE, 'my-app', 1),
    ]);
  });
});

it.each([
  ['https://hooks.example.com/x', 'hooks.example.com:443'],
  ['https://hooks.example.com:443/x', 'hooks.example.com:443'],
  ['https://HOOKS.example.com:8443/x', 'hooks.example.com:8443'],
  ['https://hooks.example.com./x', 'hooks.example.com.:443'],
  ['http://127.0.0.1/', '127.0.0.1:80'],
  ['http://[::1]:3000/', '[::1]:3000'],
])('the host and port of %s are %s', (url, expected) => {
  expect(hostAndPort(new URL(url))).toBe(expected);
});

it.each(['my-app', 'Büro & Söhne/../x', '*', 'x'.repeat(128), '\u{1f600}'])(
  'the secret with the custom headers of "%s" has a name that Secrets Manager allows, within the prefix',
  (client) => {
    expect(headersSecret('prod', client)).toMatch(/^prod\/webhook-headers\/[0-9a-f]{64}$/);
  },
);
