import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { BlockList, type LookupFunction, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type DialOptions, dial } from '../../functions/edge/dial.ts';
import { refusingPort, serveConnections } from './servers.ts';

/** Of which only the first is a server's. */
const lookup = ((_host, _options, callback) =>
  callback(
    null,
    ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })),
  )) as LookupFunction;

async function server() {
  const { port, connections } = await serveConnections((socket) => socket.on('error', () => undefined));
  return { url: new URL(`http://a.example.com:${port}`), connections };
}

async function dialled(url: URL, options: Partial<DialOptions> = {}, signal = new AbortController().signal) {
  const socket: Socket = await dial({ url, deadlineMillis: 10_000, lookup, ...options }, signal);
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('a connection', () => {
  it('that stands may be silent for as long as the exchange allows, whatever connecting might have taken', async () => {
    expect((await dialled((await server()).url)).timeout).toBe(0);
  });

  it('is not begun when the exchange is over', async () => {
    const { url, connections } = await server();
    await expect(dialled(url, {}, AbortSignal.abort())).rejects.toThrow('aborted');
    expect(connections()).toBe(0);
  });

  it('ends with the exchange', async () => {
    const exchange = new AbortController();
    const socket = await dialled((await server()).url, {}, exchange.signal);
    exchange.abort();
    expect(socket.destroyed).toBe(true);
  });

  it('is made to none of the addresses when the first is not allowed', async () => {
    const { url, connections } = await server();
    const blockList = new BlockList();
    blockList.addAddress('127.0.0.2');
    const others = ((host, options, callback) =>
      lookup(host, options, (error, found) =>
        callback(error, [...(found as [])].reverse()),
      )) as LookupFunction;
    await expect(dialled(url, { lookup: others, blockList })).rejects.toMatchObject({
      code: 'ERR_IP_BLOCKED',
    });
    expect(connections()).toBe(0);
  });

  it.each([
    ['http://127.0.0.123/', 80],
    ['http://127.0.0.123:1/', 1],
    ['https://127.0.0.123/', 443],
    ['https://127.0.0.123:1/', 1],
  ])('goes to the port of its URL or protocol: %s', async (url, port) => {
    const reached = await dialled(new URL(url)).then(
      ({ remotePort }) => remotePort,
      (error) => error.port,
    );
    expect(reached).toBe(port);
  });

  it.each([
    ['its own time', 20_000, [2500, 2500, 0]],
    ['a share of the exchange', 4000, [1000, 1000, 0]],
  ])(
    'has %s for each address but the last, which has all that is left',
    async (_what, deadlineMillis, millis) => {
      const dialling: Socket[] = [];
      const listen = (message: unknown) => dialling.push((message as { socket: Socket }).socket);
      subscribe('net.client.socket', listen);
      onTestFinished(() => void unsubscribe('net.client.socket', listen));
      const addresses = [3, 4, 5].map((i) => ({ address: `127.0.0.${i}`, family: 4 }));
      const refusing = ((_host, _options, callback) => callback(null, addresses)) as LookupFunction;
      const url = new URL(`http://a.example.com:${await refusingPort()}`);
      await expect(dialled(url, { lookup: refusing, deadlineMillis })).rejects.toThrow();
      expect(dialling.map(({ timeout = 0 }) => timeout)).toEqual(millis);
    },
  );
});
