import { lookup as dnsLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import packageJson from '../../package.json' with { type: 'json' };
import type { Exchange } from '../core/attempt.ts';
import type { Outcome } from '../core/outcome.ts';
import { forbiddenAddresses, isPublicAddress } from '../core/public-address.ts';
import { retryAfterIn } from '../core/retry-after.ts';
import { signedHeaders } from '../core/signature.ts';
import { faultInWebhookUrl, isLoopbackUrl, type WebhookRules } from '../core/webhook-url.ts';
import type { Clock, Webhooks } from '../ports.ts';
import { exchange as exchangeOverHttp } from './exchange.ts';

const DEADLINE_MILLIS = 15_000;
const ANSWER_MAX_BYTES = 64 * 1024;
const BLOCKED = 'ERR_ADDRESS_NOT_PUBLIC';

export interface WebhookSettings {
  rules: WebhookRules;
  signingSecrets: () => Promise<string[]>;
  clock: Clock;
  /** Looks a host's addresses up: all of them. */
  lookup?: typeof dnsLookup;
  exchange?: typeof exchangeOverHttp;
}

/** Sends webhooks by the contract's rules: public addresses only, no redirects, one deadline over all. */
export function createWebhooks(settings: WebhookSettings): Webhooks {
  const { rules, clock, signingSecrets, exchange = exchangeOverHttp } = settings;
  const lookup = publicOnly(settings.lookup ?? dnsLookup);
  return {
    async send({ id, url }, body) {
      // The rules may have become stricter since the job was submitted.
      if (faultInWebhookUrl(url, rules) !== null) return { kind: 'blocked' };
      const isOurMachine = rules.loopback && isLoopbackUrl(url);
      const guard = isOurMachine ? {} : { lookup, blockList: forbiddenAddresses };
      const now = clock.now();
      const outcome = await exchange({
        method: 'POST',
        url: new URL(url),
        headers: {
          'content-type': 'application/json',
          'user-agent': `modelstudio-jobs/${packageJson.version}`,
          ...signedHeaders(id, now, body, await signingSecrets()),
        },
        body,
        deadlineMillis: DEADLINE_MILLIS,
        maxBytes: ANSWER_MAX_BYTES,
        ...guard,
      });
      return asExchange(outcome, clock.now());
    },
  };
}

/**
 * Tries, without leaving this machine, that sockets heed the block list: plain ones and those under TLS.
 * @throws when one does not: then no webhook may be sent at all
 */
export async function assertGuardInForce(): Promise<void> {
  for (const base of ['http://127.0.0.1:1', 'https://127.0.0.1:1']) {
    const request = {
      method: 'GET',
      url: new URL(base),
      headers: {},
      deadlineMillis: 1000,
      maxBytes: 0,
    } as const;
    const outcome = await exchangeOverHttp({ ...request, blockList: forbiddenAddresses });
    const isBlocked = outcome.kind === 'not_connected' && outcome.code === 'ERR_IP_BLOCKED';
    if (!isBlocked)
      throw new Error('Sockets do not heed the block list of addresses: no webhook may be sent');
  }
}

/** A name must resolve to public addresses only: one private answer among them is an attack, not an accident. */
function publicOnly(lookup: typeof dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error) return callback(error, '');
      if (!first) return callback(withCode('ENODATA'), '');
      if (!addresses.every(({ address }) => isPublicAddress(address))) return callback(withCode(BLOCKED), '');
      if (options.all) return callback(null, addresses);
      callback(null, first.address, first.family);
    });
  };
}

function asExchange(outcome: Outcome, now: number): Exchange {
  switch (outcome.kind) {
    case 'answered': {
      const retryAfterSeconds = retryAfterIn(outcome.headers['retry-after'], now);
      return { kind: 'answered', status: outcome.status, retryAfterSeconds };
    }
    case 'timeout':
      return { kind: 'failed', error: 'timeout' };
    case 'cut':
      return { kind: 'failed', error: 'cut' };
    case 'not_connected':
      return outcome.code === BLOCKED || outcome.code === 'ERR_IP_BLOCKED'
        ? { kind: 'blocked' }
        : { kind: 'failed', error: connectionError(outcome.code) };
  }
}

function connectionError(code: string): 'dns' | 'tls' | 'not_connected' {
  if (/^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL)/.test(code)) return 'dns';
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code)) return 'tls';
  return 'not_connected';
}

function withCode(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}
