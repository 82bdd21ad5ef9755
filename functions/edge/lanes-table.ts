import type { Millis } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import * as lanes from '../core/webhook/lanes.ts';
import type { Clock, Lanes, Random } from '../ports.ts';
import type { Row, Rows } from './rows.ts';

/** Where the index `queue` has the lanes that are open. Their rows change, and these keys do not. */
const OPEN = { name: 'lanes', place: 'open' };
const LISTED_MAX = 1000;
const LIST_CACHE_MILLIS = 1000;
const RENEW_EVERY_MILLIS = 1000;
/** Of a receiver to which nothing was sent since. */
const KEPT_SECONDS = 86_400;
const RECEIVERS_MAX = 1000;

const idOf = (lane: string) => `lane/${lane}`;

export interface LaneSettings {
  rows: Rows;
  clock: Clock;
  random: Pick<Random, 'fraction'>;
  log: Pick<Log, 'event'>;
  /** How many of the function's environments there may be at once. */
  environments: number;
  /** @returns what revokes it */
  after?: (millis: Millis, act: () => void) => () => void;
}

/** Rows in the jobs' table, one for each receiver that hangs. While none does, an environment lists them once a second, and that is all. */
export function createLanes(settings: LaneSettings): Lanes {
  const { clock, random, after = timer } = settings;
  const atOnce = lanes.lanesAtOnce(settings.environments);
  const rows = rowsOf(settings);
  const known = knowledgeOf(settings, rows, atOnce);
  /** The latest window in which this environment asked for a lane; since when nothing has hung there, if it got it. */
  const turns = new Map<string, { window: number; hungAt: Promise<Millis | null> }>();

  function claim(lane: string, window: number): Promise<Millis | null> {
    const turn = turns.get(lane);
    if (turn?.window === window) return turn.hungAt;
    const hungAt = rows.claim(lane, window).catch(() => null);
    turns.set(lane, { window, hungAt });
    return hungAt;
  }

  /** Closes its lane, unless an attempt has hung there since this environment had the turn. */
  async function answered(own: string): Promise<void> {
    const lane = known.laneOf(own);
    known.learn(own, false);
    const turn = turns.get(lane);
    const hungAt = await turn?.hungAt;
    if (!turn || !hungAt || clock.now() - hungAt < lanes.QUIET_MILLIS) return;
    turns.set(lane, { ...turn, hungAt: Promise.resolve(Number.POSITIVE_INFINITY) });
    await rows.close(lane, hungAt);
  }

  return {
    look: known.look,

    async heldUntil(receiver) {
      const own = lanes.ownLane(receiver);
      const lane = own && known.laneOf(own);
      const open = known.open();
      if (lane === null || !open.includes(lane)) return null;
      const window = lanes.windowAt(clock.now());
      const isOurs = lanes.isOnTurn(lane, open, window, atOnce) && (await claim(lane, window)) !== null;
      return isOurs ? null : lanes.heldUntil(lane, open, atOnce, clock.now(), random.fraction());
    },

    async watch(receiver, attempt) {
      const own = lanes.ownLane(receiver) ?? '';
      const startedAt = clock.now();
      let noted: Promise<void> | undefined;
      const revoke = after(lanes.HANG_MILLIS, () => {
        noted = known.hung(own).catch(() => undefined);
      });
      const outcome = await attempt().finally(revoke);
      const isHang = clock.now() - startedAt >= lanes.HANG_MILLIS;
      await (noted ?? (isHang ? known.hung(own) : answered(own))).catch(() => undefined);
      return outcome;
    },
  };
}

/** Which lanes are open, as far as an environment knows, and what it has seen itself. */
function knowledgeOf({ clock, log }: LaneSettings, rows: ReturnType<typeof rowsOf>, atOnce: number) {
  const experience = new Map<string, lanes.Experience>();
  /** When this environment has opened a lane, or kept it open: the index may not have it yet. */
  const openedAt = new Map<string, Millis>();
  let open: string[] = [];
  let listing = Promise.resolve<string[]>([]);
  let listedAt = Number.NEGATIVE_INFINITY;

  const laneOf = (own: string) => lanes.laneOf(own, open, lanes.isKnown(experience.get(own), clock.now()));

  function learn(own: string, isHang: boolean): lanes.Experience {
    if (experience.size >= RECEIVERS_MAX) experience.clear();
    const learnt = lanes.experienced(experience.get(own), isHang, clock.now());
    experience.set(own, learnt);
    return learnt;
  }

  return {
    open: () => open,
    laneOf,
    learn,

    async look(): Promise<void> {
      const now = clock.now();
      if (now - listedAt >= LIST_CACHE_MILLIS) {
        listedAt = now;
        listing = rows.list().catch(() => []);
      }
      const listed = await listing;
      const own = [...openedAt.keys()].filter((lane) => now - (openedAt.get(lane) ?? 0) < lanes.QUIET_MILLIS);
      open = lanes.inOrder([...listed, ...own]);
    },

    async hung(own: string): Promise<void> {
      if (lanes.isMostlyQuick(learn(own, true)) && (await rows.countHang(own)) < 2 * atOnce) return;
      const now = clock.now();
      const lane = laneOf(own);
      if (now - (openedAt.get(lane) ?? 0) < RENEW_EVERY_MILLIS) return;
      const client = lanes.clientOf(own);
      const host = own.slice(client.length + 1);
      log.event('deliver', { outcome: 'receiver_hangs', client, host });
      const opened = lanes.lanesToOpen(lane, open);
      for (const each of opened) openedAt.set(each, now);
      open = lanes.inOrder([...open, ...opened]);
      await Promise.allSettled(opened.map((each) => rows.open(each, now)));
    },
  };
}

function rowsOf({ rows, clock }: LaneSettings) {
  /** In a row that may be new. */
  function note(id: string, sets: string, adds: string, values: object): Promise<Row> {
    return rows.update(id, {
      UpdateExpression: `SET #ttl = :ttl${sets} ADD ${adds}`,
      ExpressionAttributeNames: { '#ttl': 'ttl' },
      values: { ':ttl': Math.ceil(clock.now() / 1000) + KEPT_SECONDS, ...values },
    });
  }

  return {
    async list(): Promise<string[]> {
      const listed = await rows.inQueue(OPEN.name, OPEN.place, LISTED_MAX);
      return listed.map(({ jobId }) => jobId.slice(idOf('').length));
    },

    open(lane: string, now: Millis) {
      const sets = ', hungAt = :now, queueName = :name, queuePlace = :place';
      const values = { ':now': now, ':name': OPEN.name, ':place': OPEN.place, ':none': 0 };
      return note(idOf(lane), sets, 'lastTurn :none', values);
    },

    /** The first environment that writes a window down has the lane for as long as that lasts. */
    async claim(lane: string, window: number): Promise<Millis> {
      const { hungAt } = await rows.update(idOf(lane), {
        UpdateExpression: 'SET lastTurn = :window',
        ConditionExpression: 'lastTurn <= :before',
        values: { ':window': window, ':before': window - 1 },
      });
      return Number(hungAt);
    },

    close: (lane: string, hungAt: Millis) =>
      rows.update(idOf(lane), {
        UpdateExpression: 'SET closedAt = :now REMOVE queueName, queuePlace',
        ConditionExpression: 'hungAt = :hungAt',
        values: { ':now': clock.now(), ':hungAt': hungAt },
      }),

    /** @returns how many attempts have hung in this window, in all environments that have seen the receiver well */
    async countHang(own: string): Promise<number> {
      const id = idOf(`${own} ${lanes.windowAt(clock.now())}`);
      return Number((await note(id, '', 'hangs :one', { ':one': 1 }))['hangs']);
    },
  };
}

function timer(millis: Millis, act: () => void): () => void {
  const timeout = setTimeout(act, millis);
  return () => clearTimeout(timeout);
}
