import { lookup as dnsLookup, type LookupAddress } from 'node:dns';
import { type BlockList, connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

/** How long each of several addresses has to accept. A lost SYN is sent again after one second (RFC 6298), so it survives one loss. */
export const ADDRESS_BUDGET_MILLIS = 2500;

export interface DialOptions {
  url: URL;
  /** For the whole exchange, from the lookup to the last byte: many silent addresses share it and leave time for an answer. */
  deadlineMillis: number;
  lookup?: LookupFunction;
  blockList?: BlockList;
}

/** `isTls`: the connection was established, but its TLS handshake failed. */
export type DialError = NodeJS.ErrnoException & { isTls?: true };

/**
 * Connects to the first address that accepts, in the order in which DNS gives them, and only then begins TLS: over a socket that
 * is still connecting, it would crash Node, which swaps its handle for that of the next address. @throws DialError
 */
export async function dial(options: DialOptions, signal: AbortSignal): Promise<Socket> {
  const { url, lookup = dnsLookup, deadlineMillis, blockList } = options;
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || (isSecure ? 443 : 80);
  const found = isIP(host) ? [{ address: host }] : await addressesOf(host, lookup);
  const budget = Math.min(ADDRESS_BUDGET_MILLIS, deadlineMillis / (found.length + 1));
  let failure: DialError | null = null;
  for (const [i, { address }] of found.entries()) {
    signal.throwIfAborted();
    // There is no other address after the last one, so it gets all the time that is left.
    const timeout = i < found.length - 1 ? budget : 0;
    const socket = connect({ host: address, port, timeout, ...(blockList && { blockList }) });
    signal.addEventListener('abort', () => socket.destroy());
    const error = await connected(socket);
    if (error === null) return isSecure ? secured(socket, host) : socket;
    failure = error;
    if (error.code === 'ERR_IP_BLOCKED') break;
  }
  throw failure ?? withCode('ENODATA');
}

function addressesOf(host: string, lookup: LookupFunction): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(host, { all: true }, (error, found) =>
      error ? reject(error) : resolve(found as LookupAddress[]),
    );
  });
}

/** Null once the connection is established. */
function connected(socket: Socket): Promise<DialError | null> {
  return new Promise((resolve) => {
    socket.once('error', resolve);
    const closed = () => resolve(withCode('ECONNRESET'));
    socket.once('close', closed);
    socket.once('timeout', () => socket.destroy(withCode('ETIMEDOUT')));
    socket.once('connect', () => {
      socket.off('close', closed);
      socket.setTimeout(0);
      resolve(null);
    });
  });
}

function secured(socket: Socket, host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    // The server name in TLS has no trailing dot (RFC 6066) and is never an address.
    const servername = isIP(host) ? '' : host.replace(/\.$/, '');
    const secure = connectSecurely({ socket, host, servername, ALPNProtocols: ['http/1.1'] });
    secure.once('secureConnect', () => resolve(secure));
    secure.once('error', (error: DialError) => {
      const isHungUp = error.code === 'ECONNRESET' || error.code === 'EPIPE';
      reject(isHungUp ? error : Object.assign(error, { isTls: true }));
    });
  });
}

function withCode(code: string): DialError {
  return Object.assign(new Error(code), { code });
}
