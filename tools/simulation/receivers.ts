import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import { EVENT_MAX_BYTES } from '../../functions/core/http/view.ts';
import { DESTINATION_EXTRA_BYTES } from '../../functions/core/webhook/destination.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import type { Environment } from './environment.ts';
import { judgeText, must } from './judge.ts';
import type { Simulation } from './simulation.ts';

/** The most that a receiver is left alone for when it asks for it. */
const RETRY_AFTER_MAX_SECONDS = 3600;

interface Received {
  body: string;
  posts: number;
  successes: number;
  firstSuccessAt: number;
  /** Until then: how often it was posted in vain, and for how long its receiver asked to be left alone. */
  before: { posts: number; askedSeconds: number };
  /** Who is posting it right now. */
  by: Environment | null;
}

/** The receivers of webhooks: what they got, and how they treat it. */
export class Receivers {
  readonly #sim: Simulation;
  readonly #judgeSignature: (request: ExchangeRequest, body: string) => void;
  readonly #judgePost: (body: string, environment: Environment) => void;
  /** By webhook-id. */
  readonly received = new Map<string, Received>();
  /** Called while a webhook is being posted, now and then. */
  onPost: (body: string) => void = () => undefined;
  /** Told of each, and of how long its answer takes. */
  onAnswer: (body: string, millis: number) => void = () => undefined;
  /** How long those take that hang; null: they do not. */
  hangMillis: (host: string) => number | null = () => null;
  /** Told of each attempt, of how long it takes, and of who makes it. */
  onAttempt: (body: string, url: string, millis: number, by: Environment) => void = () => undefined;

  constructor(
    sim: Simulation,
    judgeSignature: (request: ExchangeRequest, body: string) => void,
    judgePost: (body: string, environment: Environment) => void,
  ) {
    this.#sim = sim;
    this.#judgePost = judgePost;
    this.#judgeSignature = judgeSignature;
  }

  /** A webhook that has been posted in vain so often. */
  keepVain(id: string, body: string, posts: number): Received {
    const firstSuccessAt = Number.POSITIVE_INFINITY;
    const known = { body, posts, successes: 0, firstSuccessAt, before: { posts, askedSeconds: 0 }, by: null };
    this.received.set(id, known);
    return known;
  }

  /** An answer and how long it takes. */
  answer(request: ExchangeRequest, environment: Environment): { outcome: HttpOutcome; millis: number } {
    const id = request.headers['webhook-id'] ?? '';
    const body = request.body ?? '';
    const known = this.received.get(id) ?? this.keepVain(id, body, 0);
    must(known.body === body, 'I3', () => `the body of ${id} has changed`);
    must(known.by === null || !known.by.isAlive, 'I14', () => `two deliveries of ${id} at once`);
    // IAM says who sends to a bus.
    if (request.url.hostname !== 'bus') this.#judgeSignature(request, body);
    judgeText('a webhook', body);
    this.#judgePost(body, environment);
    const bytes = Buffer.byteLength(body);
    const isDestination = !request.url.hostname.includes('.');
    const most = EVENT_MAX_BYTES - (isDestination ? DESTINATION_EXTRA_BYTES : 0);
    must(bytes <= most, 'I16', () => `a webhook of ${bytes} bytes`);
    known.posts += 1;
    known.by = environment;
    if (this.#sim.chanceOf('receiver').happens(0.05)) this.onPost(body);
    const { outcome, millis } = this.#treat(request);
    if (outcome.kind === 'answered' && outcome.status < 300) {
      known.successes += 1;
      known.firstSuccessAt = Math.min(known.firstSuccessAt, this.#sim.now);
    } else if (known.successes === 0) {
      const asked = outcome.kind === 'answered' ? Number(outcome.headers['retry-after'] ?? 0) : 0;
      known.before.posts += 1;
      known.before.askedSeconds += Math.min(asked, RETRY_AFTER_MAX_SECONDS);
    }
    const isOver = Math.min(millis, request.deadlineMillis);
    this.onAnswer(body, isOver);
    this.onAttempt(body, request.url.href, isOver, environment);
    this.#sim.time.after(isOver, () => {
      if (known.by === environment) known.by = null;
    });
    return { outcome, millis };
  }

  #treat({ url }: ExchangeRequest): { outcome: HttpOutcome; millis: number } {
    const hangs = this.hangMillis(url.host);
    const millis = hangs ?? this.#sim.chanceOf('receiver').between(20, 900);
    if (hangs !== null) return { outcome: status(204), millis };
    if (url.pathname === '/gone') return { outcome: status(410), millis };
    if (url.pathname === '/private')
      return { outcome: { kind: 'not_connected', code: 'ERR_IP_BLOCKED' }, millis };
    if (url.pathname === '/down') return { outcome: status(500), millis };
    const fault = this.#sim.fault('receiver', 'receiver', 'a webhook');
    if (fault === null) return { outcome: status(204), millis };
    const outcome = fault.pick(url.hostname.includes('.') ? FAULTS : FAULTS_OF_AWS);
    return { outcome, millis: outcome.kind === 'timeout' ? 3_600_000 : millis };
  }
}

const FAULTS: HttpOutcome[] = [
  status(500),
  status(302, { location: 'http://169.254.169.254/' }),
  status(429, { 'retry-after': '30' }),
  status(503, { 'retry-after': '5000' }),
  { kind: 'timeout', isConnected: true },
  { kind: 'cut', code: 'ECONNRESET' },
  { kind: 'not_connected', code: 'ENOTFOUND' },
];

/** Of queues and buses: 429 is a key that throttles, and 503 a queue that does. */
const FAULTS_OF_AWS: HttpOutcome[] = [
  status(500),
  status(429),
  status(429),
  status(429),
  status(503),
  { kind: 'timeout', isConnected: true },
  { kind: 'cut', code: 'ECONNRESET' },
];

function status(code: number, headers: Record<string, string> = {}): HttpOutcome {
  return { kind: 'answered', status: code, headers, body: Buffer.alloc(0), isTruncated: false };
}
