import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../needs.ts';
import { itReceives } from '../examples/deliveries.ts';
import { type Receiving, startReceiving } from '../examples/receiving.ts';
import { type Desk, openDesk, RUNTIMES } from './runtimes.ts';

/** Compiling Go for the first time takes its while. */
const timeout = 120_000;

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk?.clear());

for (const runtime of RUNTIMES.filter(({ language }) => language !== 'curl')) {
  await describeWith(...runtime.needs, runtime.language, () => {
    const receivers: Receiving[] = [];
    let command: [string, string[]];
    beforeAll(async () => {
      command = await desk.command(runtime, 'receive', 'https://api.example.com');
    }, timeout);
    afterAll(() => Promise.all(receivers.map((receiver) => receiver.stop())));

    async function start(WEBHOOK_SECRET: string): Promise<Receiving> {
      const receiver = await startReceiving(...command, { WEBHOOK_SECRET, INBOX: desk.inbox });
      receivers.push(receiver);
      return receiver;
    }

    itReceives(start);
    it.each(['', 'whsec_'])('no receiver starts with the secret %j', async (secret) => {
      await expect(start(secret)).rejects.toThrow(/WEBHOOK_SECRET is not set/);
    });
  });
}
