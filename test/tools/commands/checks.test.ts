import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readSettings } from '../../../lib/settings/read-settings.ts';
import { splitConcurrency } from '../../../lib/stages/concurrency.ts';
import { concurrencyResult } from '../../../tools/commands/doctor/concurrency.ts';
import { destinations } from '../../../tools/commands/doctor/destinations.ts';
import { domains } from '../../../tools/commands/doctor/domains.ts';
import type { Target } from '../../../tools/commands/target.ts';

describe('Lambda concurrency', () => {
  const MORE = 'Ask for more "Concurrent executions" of Lambda in Service Quotas';

  it.each([
    [1000, 105, 'ok', '1000 in the account, of which the queues take up to 105', undefined],
    [
      57,
      105,
      'failed',
      '57 in the account, of which the queues may take 105: the API and the sweep need 4',
      `${MORE}, or deploy with the setting concurrency at 34 or less.`,
    ],
    [57, 34, 'ok', '57 in the account, of which the queues take up to 34', undefined],
    [
      10,
      105,
      'failed',
      '10 in the account, of which the queues may take 105: the API and the sweep need 4',
      `${MORE}, or deploy with the setting concurrency at 6 or less.`,
    ],
    [10, 6, 'ok', '10 in the account, of which the queues take up to 6', undefined],
    [
      10,
      7,
      'failed',
      '10 in the account, of which the queues may take 7: the API and the sweep need 4',
      `${MORE}, or deploy with the setting concurrency at 6 or less.`,
    ],
    [
      9,
      6,
      'failed',
      '9 in the account, of which the queues may take 6: the API and the sweep need 4',
      `${MORE}: no setting is small enough.`,
    ],
  ])('%d in the account, %d for the queues: %s', (available, taken, state, words, fix) => {
    expect(concurrencyResult(available, taken)).toEqual({ state, words, ...(fix && { fix }) });
  });

  it('is all right once its advice is followed, whatever the account has', () => {
    for (let available = 10; available <= 5000; available++) {
      const result = concurrencyResult(available, 10_000);
      const [, advice] =
        /the setting concurrency at (\d+) or less/.exec('fix' in result ? result.fix : '') ?? [];
      const { concurrency } = readSettings({ concurrency: advice });
      const { poll, collect, deliver } = splitConcurrency(concurrency);
      expect(concurrencyResult(available, poll + collect + deliver).state).toBe('ok');
    }
  });
});

describe('Domain', () => {
  const NAMES = {
    DomainName: 'a.example.com',
    DomainTarget: 'd-a.example.net',
    DomainName2: 'b.example.com',
    DomainTarget2: 'd-b.example.net',
  };

  it.each<[string, Record<string, string>, string[], object]>([
    ['none', {}, [], { state: 'skipped', words: 'the API has no name of your own' }],
    [
      'all answer',
      NAMES,
      ['a.example.com', 'b.example.com'],
      { state: 'ok', words: 'a.example.com, b.example.com' },
    ],
    [
      'the second is not pointed at yet',
      NAMES,
      ['a.example.com'],
      {
        state: 'failed',
        words: 'b.example.com does not lead to the API',
        fix: 'Point b.example.com at d-b.example.net, by CNAME or alias.',
      },
    ],
  ])('%s', async (_what, outputs, answering, result) => {
    const fetches = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
      if (!answering.some((name) => String(url) === `https://${name}/v1/health`))
        throw new Error('ENOTFOUND');
      return new Response('{}');
    });
    onTestFinished(() => fetches.mockRestore());
    expect(await domains({ outputs } as unknown as Target)).toEqual(result);
  });
});

describe('Destinations', () => {
  const [queue, bus, elsewhere] = [
    'sqs:eu-west-1:1:orders',
    'events:eu-west-1:1:event-bus/jobs',
    'sqs:us-east-1:1:gone',
  ].map((rest) => `arn:aws:${rest}`);
  /** In one region they are there, in others they are not. */
  const clientsIn = (region: string) => {
    const send = async () => {
      if (region !== 'eu-west-1') throw Object.assign(new Error(), { name: 'QueueDoesNotExist' });
    };
    return { sqs: { send }, eventBridge: { send } };
  };
  const check = (DestinationArns?: string) =>
    destinations({ outputs: { ...(DestinationArns && { DestinationArns }) }, clientsIn } as never);

  it('are skipped where there are none', async () => {
    expect(await check()).toEqual({ state: 'skipped', words: 'none is set up: all events go to URLs' });
  });

  it('are all right if they are all there, each looked for in its own region', async () => {
    expect(await check(`${queue} ${bus}`)).toEqual({ state: 'ok', words: '2 set up, and all are there' });
  });

  it('have failed if one is not there', async () => {
    expect(await check(`${queue} ${elsewhere} ${bus}`)).toMatchObject({
      state: 'failed',
      words: `${elsewhere}: QueueDoesNotExist`,
    });
  });
});
