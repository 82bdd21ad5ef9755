import type { Millis } from '../../functions/core/job.ts';
import { AWS_CALL_MILLIS } from '../../functions/core/limits.ts';
import type { Receiver } from '../../functions/core/webhook/lanes.ts';
import type { Lanes as Port } from '../../functions/ports.ts';
import type { Item } from '../../test/cloud/expressions.ts';
import type { Environment } from './environment.ts';
import { must } from './judge.ts';
import { HEALS_AT, type Simulation } from './simulation.ts';

const HANG_MILLIS = 5000;
const WINDOW_MILLIS = 15_000;
const QUIET_MILLIS = 20_000;
const HELD_MAX_MILLIS = 60_000;
const SKEW_MAX_MILLIS = 3000;
/** Until all know that a lane is open, or no longer: a list is a second old, and may have taken its time, and its index lags. */
const KNOWN_AFTER_MILLIS = 1000 + AWS_CALL_MILLIS;
const LAG_MAX_MILLIS = 60_000;
const SUSPECT_HOSTS = 3;
/** Since its client's last attempt that hung, a webhook may be held so often. */
const HOLDS_MAX = 12;

interface Tried {
  hangs: Millis[];
  /** Attempts that did not hang. */
  quick: Millis[];
}

interface Row {
  since: Millis;
  hungAt: Millis;
  closedAt: Millis | null;
}

/** What the attempts of all workers were like, by which it is judged whom they hold back, and whom they do not. */
export class Lanes {
  readonly #sim: Simulation;
  /** By client and host. */
  readonly #tried = new Map<string, Tried>();
  readonly #rows = new Map<string, Row>();
  /** Which environments have made attempts in a lane in a window. */
  readonly #turns = new Map<string, Environment>();
  /** How often each webhook was held, in all and since its client's last attempt that hung. */
  readonly #holds = new Map<string, { all: number; lately: number; since: Millis }>();
  /** Whoever cannot read which lanes are open takes none to be. */
  #isBlind = false;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  get #lagMillis(): Millis {
    return this.#sim.isQuiet ? 0 : LAG_MAX_MILLIS;
  }

  holdsOf(jobId: string): number {
    return this.#holds.get(jobId)?.all ?? 0;
  }

  /** The release before knows of no lanes: what its attempts were like opens none, and closes none. */
  tried(client: string, url: string, millis: Millis, { release }: Environment): void {
    if (release === 'older') return;
    const lane = `${client}/${new URL(url).host}`;
    const tried = this.#tried.get(lane) ?? { hangs: [], quick: [] };
    this.#tried.set(lane, tried);
    const { now } = this.#sim;
    if (millis >= HANG_MILLIS) tried.hangs.push(now + HANG_MILLIS);
    else tried.quick.push(now);
  }

  /** The row of a lane. */
  wrote(key: string, item: Item | null): void {
    const lane = key.slice('lane/'.length);
    const { now } = this.#sim;
    // Of a window in which attempts have hung that mostly do not.
    if (lane.includes(' ')) return;
    const row = this.#rows.get(lane);
    const isOpen = row !== undefined && row.closedAt === null;
    if (item?.['queueName'] === undefined) {
      const millis = now - (row?.hungAt ?? 0);
      const isQuiet = millis >= QUIET_MILLIS - 2 * SKEW_MAX_MILLIS;
      must(isQuiet, 'I24', () => `${key} is closed ${millis} ms after an attempt has hung`);
      if (row) row.closedAt ??= now;
      return;
    }
    const since = isOpen ? row.since : now;
    this.#rows.set(lane, { since, hungAt: Number(item['hungAt']?.N), closedAt: null });
  }

  /** As an environment has them. */
  watched(port: Port, environment: Environment): Port {
    // The release before knew nothing of them.
    if (environment.release === 'older')
      return { look: async () => undefined, heldUntil: async () => null, watch: (_, attempt) => attempt() };
    return {
      ...port,
      look: async () => {
        await port.look();
        if (environment.invocationOrNull?.failures.includes('Query jobs')) this.#isBlind = true;
      },
      heldUntil: async (receiver) => {
        const startedAt = this.#sim.now;
        const window = Math.floor(environment.clock.now() / WINDOW_MILLIS);
        const until = await port.heldUntil(receiver);
        this.#sim.judge(() => {
          const isName = !URL.canParse(receiver.url);
          must(!isName || until === null, 'I24', () => `what goes to ${receiver.url} is held`);
          if (isName) return;
          if (until === null) this.#judgeFree(receiver, environment, window, startedAt);
          else this.#judgeHeld(receiver, until - environment.clock.now());
        });
        return until;
      },
    };
  }

  held(jobId: string, client: string): void {
    const { all, lately, since } = this.#holds.get(jobId) ?? { all: 0, lately: 0, since: 0 };
    const hungAt = Math.max(0, ...this.#hangsOf(client));
    const times = hungAt === since ? lately + 1 : 1;
    this.#holds.set(jobId, { all: all + 1, lately: times, since: hungAt });
    this.#sim.count('held');
    must(times <= HOLDS_MAX, 'I24', () => `${jobId} is held ${times} times since anything has hung`);
  }

  #hangsOf(client: string): Millis[] {
    const own = [...this.#tried].filter(([lane]) => lane.startsWith(`${client}/`));
    return own.flatMap(([, { hangs }]) => hangs).filter((at) => at <= this.#sim.now);
  }

  /** Every hold has its reason: attempts of the same client that have hung, and a lane that is open. */
  #judgeHeld({ client, url }: Receiver, millis: Millis): void {
    const { now } = this.#sim;
    const own = `${client}/${new URL(url).host}`;
    const isBrief = millis > 0 && millis <= HELD_MAX_MILLIS;
    must(isBrief, 'I24', () => `a webhook for ${own} is held for ${millis} ms`);
    const hosts = [...this.#tried].filter(
      ([lane, { hangs }]) => lane.startsWith(`${client}/`) && hangs.some((at) => at <= now + SKEW_MAX_MILLIS),
    );
    const isExplained = hosts.length >= SUSPECT_HOSTS || hosts.some(([lane]) => lane === own);
    must(isExplained, 'I24', () => `a webhook for ${own} is held, where nothing has hung`);
    const most = KNOWN_AFTER_MILLIS + this.#lagMillis;
    const isOpen = [own, `${client}/*`].some((lane) => {
      const row = this.#rows.get(lane);
      return row !== undefined && (row.closedAt ?? now) >= now - most;
    });
    const isFresh = this.#hangsOf(client).some((at) => now - at <= QUIET_MILLIS + KNOWN_AFTER_MILLIS);
    must(isOpen || isFresh, 'I24', () => `a webhook for ${own} is held, whose lane is closed`);
  }

  /** In a window, one environment alone makes the attempts of a lane that all know to be open. */
  #judgeFree({ client, url }: Receiver, environment: Environment, window: number, at: Millis): void {
    const own = `${client}/${new URL(url).host}`;
    const isKnown = (lane: string) => {
      const row = this.#rows.get(lane);
      return row?.closedAt === null && at - row.since > KNOWN_AFTER_MILLIS + this.#lagMillis;
    };
    const hasAnswered = (this.#tried.get(own)?.quick.length ?? 0) > 0;
    const lane = isKnown(own) ? own : isKnown(`${client}/*`) && !hasAnswered ? `${client}/*` : null;
    if (lane === null || this.#isBlind) return;
    const turn = `${lane} ${window}`;
    const before = this.#turns.get(turn) ?? environment;
    this.#turns.set(turn, environment);
    must(before === environment, 'I24', () => `two environments try ${lane} in one window`);
  }

  /** A lane does not stay open where attempts are answered. */
  judgeEnd(): void {
    for (const [lane, { since, closedAt }] of this.#rows) {
      const { hangs = [], quick = [] } = this.#tried.get(lane) ?? {};
      const from = Math.max(since, HEALS_AT, ...hangs) + KNOWN_AFTER_MILLIS + this.#lagMillis + QUIET_MILLIS;
      const answered = closedAt === null ? quick.filter((at) => at > from).length : 0;
      must(answered <= 1, 'I24', () => `${lane} is open after ${answered} attempts that were answered`);
    }
  }
}
