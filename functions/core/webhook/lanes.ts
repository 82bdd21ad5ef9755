import type { JobBase, Millis, Webhook } from '../job.ts';
import { ATTEMPT_DEADLINE_MILLIS } from '../limits.ts';

/**
 * What is scarce is environments of the function: each waits for the slowest of its messages. A receiver that hangs gets a lane
 * of its own, by client and host, and of all lanes that are open, a fifth of the environments at most make attempts at a time.
 */
export const HANG_MILLIS = 5000;
/** Longer than an attempt lasts, so that none is under way that began while the receiver hung. */
export const QUIET_MILLIS = 20_000;

const WINDOW_MILLIS = ATTEMPT_DEADLINE_MILLIS;
const HELD_MAX_MILLIS = 60_000;
/** Attempts of the same turn come together, so that one environment takes as many of them as it can. */
const SPREAD_MILLIS = 1000;

/** With so many lanes, a client is suspicious as a whole: its other hosts share one more, so that not each hangs at large first. */
const LANES_OF_SUSPECT = 3;
const LANES_PER_CLIENT_MAX = 10;

/** To whom an attempt goes, and for whom. */
export type Receiver = Pick<JobBase, 'client'> & Pick<Webhook, 'url'>;

/** The lane of a client's receiver; null: it has no URL, so that nobody waits for it. */
export function ownLane({ client, url }: Receiver): string | null {
  const { host } = URL.parse(url) ?? {};
  return host === undefined ? null : `${client}/${host}`;
}

/** The name of a client may have slashes, and a host has none. */
export const clientOf = (lane: string) => lane.slice(0, lane.lastIndexOf('/'));
const othersOf = (lane: string) => `${clientOf(lane)}/*`;

/** In which lane a receiver is. `isKnown`: it has answered lately. */
export function laneOf(own: string, open: readonly string[], isKnown: boolean): string {
  return !isKnown && !open.includes(own) && open.includes(othersOf(own)) ? othersOf(own) : own;
}

/** What is opened, or kept open, by an attempt in a lane that hangs. */
export function lanesToOpen(lane: string, open: readonly string[]): string[] {
  const ofClient = open.filter((each) => clientOf(each) === clientOf(lane) && each !== othersOf(lane));
  const isLast = !open.includes(lane) && ofClient.length + 1 >= LANES_OF_SUSPECT;
  return isLast ? [lane, othersOf(lane)] : [lane];
}

/** The lanes in the order of their turns. Those that a client has in excess are with its others. */
export function inOrder(lanes: Iterable<string>): string[] {
  const byClient = [...new Set(lanes)].map((lane) => `${clientOf(lane)}\n${lane}`).sort();
  const sorted = byClient.map((key) => key.slice(key.indexOf('\n') + 1));
  return sorted.filter((lane, i) => clientOf(sorted[i - LANES_PER_CLIENT_MAX] ?? '') !== clientOf(lane));
}

export const lanesAtOnce = (environments: number) => Math.max(1, Math.floor(environments / 5));

export const windowAt = (now: Millis) => Math.floor(now / WINDOW_MILLIS);

/** Whether an open lane is on turn: round robin, some in each window, or all if there are few. */
export function isOnTurn(lane: string, open: readonly string[], window: number, atOnce: number): boolean {
  const first = (window * atOnce) % open.length;
  return (open.indexOf(lane) - first + open.length) % open.length < atOnce;
}

/** Until when an attempt is held: to one of its lane's next turns, if one begins within a minute. */
export function heldUntil(
  lane: string,
  open: readonly string[],
  atOnce: number,
  now: Millis,
  random: number,
): Millis {
  const latest = now + HELD_MAX_MILLIS;
  const windows = Array.from({ length: HELD_MAX_MILLIS / WINDOW_MILLIS }, (_, i) => windowAt(now) + 1 + i);
  const turns = windows.filter((window) => isOnTurn(lane, open, window, atOnce));
  const place = random * turns.length;
  const turn = turns[Math.floor(place)];
  if (turn === undefined) return latest - Math.round(random * WINDOW_MILLIS);
  return Math.min(latest, turn * WINDOW_MILLIS + Math.round((place % 1) * SPREAD_MILLIS));
}

/** What an environment has seen of a receiver itself: which of the latest attempts hung, and when one last did not. */
export interface Experience {
  readonly hung: readonly boolean[];
  readonly answeredAt: Millis;
}

const REMEMBERED = 20;
const KNOWN_MILLIS = 600_000;

export function experienced(before: Experience | undefined, isHang: boolean, now: Millis): Experience {
  const { hung, answeredAt } = before ?? { hung: [], answeredAt: 0 };
  return { hung: [...hung, isHang].slice(-REMEMBERED), answeredAt: isHang ? answeredAt : now };
}

/** Of whose attempts few hang. Its lane is opened only if many environments see some that do: it may have died a moment ago. */
export function isMostlyQuick({ hung }: Experience): boolean {
  return 5 * hung.filter(Boolean).length <= hung.length;
}

export const isKnown = (experience: Experience | undefined, now: Millis) =>
  experience !== undefined && now - experience.answeredAt < KNOWN_MILLIS;
