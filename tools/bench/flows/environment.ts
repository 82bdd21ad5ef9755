import type { HttpOutcome } from '../../../functions/core/http/http-outcome.ts';
import type { Millis } from '../../../functions/core/job.ts';
import type { ExchangeRequest } from '../../../functions/edge/exchange.ts';
import { type Carry, type Clients, clientsOf, type Service } from '../../../test/cloud/clients.ts';
import { answered } from './outside.ts';
import type { Surroundings } from './surroundings.ts';

/** What befalls an invocation at one of its calls. */
export type Fault = { kind: 'failing_call' | 'upstream_500' | 'dropped'; atCall: number };

/** How long each call takes: together, an invocation then takes about as long as it is assumed to be billed. */
const CALL_MILLIS: Record<Service, Millis> = { dynamodb: 4, sqs: 8, s3: 30, secrets: 10 };
export const EXCHANGE_MILLIS = { create: 310, report: 50, webhook: 220 };
/** What a client sends to open a connection with TLS 1.3: its hello, and the end of the handshake. */
const HANDSHAKE_BYTES = 700;

/** A Lambda execution environment: it runs one invocation at a time, and what it keeps in memory is its own. */
export class Environment {
  readonly clients: Clients;
  readonly #surroundings: Surroundings;
  #fault: Fault | null = null;
  #calls = 0;
  #die: (() => void) | null = null;
  #isDead = false;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    const carry: Carry = ({ service }, effect) => this.#call(CALL_MILLIS[service], effect);
    this.clients = clientsOf(surroundings.cloud, carry);
  }

  /** @param die is called if the fault ends the environment */
  begin(fault: Fault | null, die: () => void): void {
    this.#fault = fault;
    this.#calls = 0;
    this.#die = die;
  }

  /** A call to ModelStudio or a receiver. */
  readonly exchange = (request: ExchangeRequest): Promise<HttpOutcome> => {
    const { time, outside, cloud, overhead, options } = this.#surroundings;
    if (this.#fault?.kind === 'upstream_500') {
      this.#fault = null;
      return this.#call(EXCHANGE_MILLIS.report, () => answered(500, '{}'));
    }
    const isWebhook = request.headers['webhook-id'] !== undefined;
    const kind = isWebhook ? 'webhook' : request.method === 'POST' ? 'create' : 'report';
    cloud.meter.add(`exchanges.${kind}`);
    cloud.meter.add(`transfer.${kind}`, bytesOf(request));
    const millis = options.exchangeMillis?.(request) ?? EXCHANGE_MILLIS[kind];
    const { deadlineMillis } = request;
    // The other side does at once what it is asked for, and may take its time to say so.
    const outcome = overhead.of(() => outside.answer(request, time.now));
    const late: HttpOutcome = { kind: 'timeout', isConnected: true };
    return this.#call(Math.min(millis, deadlineMillis), () => (millis > deadlineMillis ? late : outcome));
  };

  /** One call to the world beyond: its effect and its answer come after so long. */
  #call<T>(millis: Millis, effect: () => T): Promise<T> {
    const { time, overhead } = this.#surroundings;
    const never = new Promise<T>(() => undefined);
    if (this.#isDead) return never;
    const fault = this.#fault?.atCall === this.#calls++ ? this.#fault.kind : null;
    if (fault === 'dropped') {
      this.#isDead = true;
      this.#die?.();
      return never;
    }
    return new Promise((resolve, reject) => {
      time.after(millis, () => {
        if (this.#isDead) return;
        if (fault === 'failing_call') return reject(new Error('The call failed'));
        try {
          resolve(overhead.of(effect));
        } catch (error) {
          reject(error);
        }
      });
    });
  }
}

/** What leaves AWS for a request: its lines, its body and, unless a connection is reused, the handshake. */
function bytesOf({ method, url, headers, body = '', agent }: ExchangeRequest): number {
  const lines = [`${method} ${url.pathname} HTTP/1.1`, `host: ${url.host}`].concat(
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  );
  const text = `${lines.join('\r\n')}\r\n\r\n${body}`;
  return Buffer.byteLength(text) + (agent ? 0 : HANDSHAKE_BYTES);
}
