import { lookup as dnsLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { ATTEMPT_DEADLINE_MILLIS } from '../core/limits.ts';
import { ADDRESS_NOT_PUBLIC, readOutcome } from '../core/webhook/attempt.ts';
import { forbiddenAddresses, isPublicAddress } from '../core/webhook/public-address.ts';
import { signedHeaders } from '../core/webhook/signature.ts';
import { faultInWebhookUrl, isLoopbackUrl, type WebhookRules } from '../core/webhook/webhook-url.ts';
import type { Clock, Lanes, Webhooks } from '../ports.ts';
import { dial } from './dial.ts';
import { exchange as exchangeOverHttp } from './exchange.ts';
import { USER_AGENT } from './user-agent.ts';
import type { CredentialsOf } from './webhook-credentials.ts';

const ANSWER_MAX_BYTES = 64 * 1024;

export interface WebhookSettings {
  rules: WebhookRules;
  credentialsOf: CredentialsOf;
  clock: Clock;
  lanes: Pick<Lanes, 'watch'>;
  lookup?: typeof dnsLookup;
  exchange?: typeof exchangeOverHttp;
}

/** Sends webhooks by the contract's rules: public addresses only, no redirects, one deadline for everything. */
export function createWebhooks(settings: WebhookSettings): Webhooks {
  const { rules, clock, credentialsOf, lanes, exchange = exchangeOverHttp } = settings;
  const lookup = publicOnly(settings.lookup ?? dnsLookup);
  return {
    async send({ id, url, client, traceparent, tracestate }, body) {
      // The rules may have become stricter since the job was submitted.
      if (faultInWebhookUrl(url, rules) !== null) return { kind: 'blocked' };
      const isOurMachine = rules.loopback && isLoopbackUrl(url);
      const guard = isOurMachine ? {} : { lookup, blockList: forbiddenAddresses };
      const to = new URL(url);
      const { secrets, headers } = await credentialsOf(client, to);
      const request = {
        method: 'POST' as const,
        url: to,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'user-agent': USER_AGENT,
          traceparent,
          ...(tracestate && { tracestate }),
          ...signedHeaders(id, clock.now(), body, secrets),
        },
        body,
        deadlineMillis: ATTEMPT_DEADLINE_MILLIS,
        maxBytes: ANSWER_MAX_BYTES,
        ...guard,
      };
      const outcome = await lanes.watch({ client, url }, () => exchange(request));
      return readOutcome(outcome, clock.now());
    },
  };
}

/** Tests, without leaving this machine, that sockets heed the block list, with and without TLS; throws if not: no webhook may be sent. */
export async function assertSsrfProtection(): Promise<void> {
  const { signal } = new AbortController();
  for (const base of ['http://127.0.0.1:1', 'https://127.0.0.1:1']) {
    const options = { url: new URL(base), deadlineMillis: 1000, blockList: forbiddenAddresses };
    const code = await dial(options, signal).catch((error) => error.code);
    if (code !== 'ERR_IP_BLOCKED')
      throw new Error('Sockets do not heed the block list of addresses: no webhook may be sent');
  }
}

/** Against SSRF: all addresses of a name must be public. One private address among them is an attack, not an accident. */
function publicOnly(lookup: typeof dnsLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses = []) => {
      const arePublic = addresses.every(({ address }) => isPublicAddress(address));
      if (error || arePublic) callback(error, addresses);
      else callback(Object.assign(new Error(ADDRESS_NOT_PUBLIC), { code: ADDRESS_NOT_PUBLIC }), []);
    });
  };
}
