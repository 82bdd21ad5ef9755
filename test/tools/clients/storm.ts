import { appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Switch } from '../../../tools/local/console/switches.ts';
import type { System } from '../../../tools/local/system.ts';

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SWITCHES: Switch[] = ['upstream_down', 'rate_limited', 'slow', 'receiver_down'];
/** Those that submit, poll and deliver. */
const VICTIMS = [/^ApiSubmit/, /^PollPoller/, /^DeliverFunction/];
/** A worker of the queue that is killed keeps it for a minute, so it is one of these few. */
const QUEUE_WORKER = /^CreateFunction/;
const QUEUE_KILLS = [20, 70, 120];

export interface Storm {
  kills: number;
  /** What was done and when, in a file. */
  log: string;
  note(line: string): void;
  /** Resolves once it has blown over: every switch is off, and nobody is killed any more. */
  ended: Promise<void>;
}

/**
 * Turns the console's switches on and off, one or two at once, and kills busy functions, until there were so many kills and
 * each switch was on.
 */
export function raise({ stack, console }: System, seed: number, killsMax: number): Storm {
  const random = randomOf(seed);
  const log = join(tmpdir(), `client-storm-${seed}.log`);
  const startedAt = Date.now();
  const note = (line: string) =>
    appendFileSync(log, `${((Date.now() - startedAt) / 1000).toFixed(1)} ${line}\n`);
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const storm: Storm = { kills: 0, log, note, ended: Promise.resolve() };
  storm.ended = Promise.all([kill(), turn()]).then(() => note('over'));

  async function kill(): Promise<void> {
    const functions = Object.entries(stack.functions);
    while (storm.kills < killsMax) {
      const drawn = VICTIMS[Math.floor(random() * VICTIMS.length)] as RegExp;
      const wanted = QUEUE_KILLS.includes(storm.kills) ? QUEUE_WORKER : drawn;
      const [id, victim] = functions.find(([name]) => wanted.test(name)) as (typeof functions)[number];
      for (let tries = 0; victim.busyCount === 0 && tries < 400; tries++) await pause(5);
      // It falls on any step of its work.
      await pause(random() * 30);
      const killed = victim.kill();
      if (killed === 0) continue;
      storm.kills += 1;
      note(`kill ${id} ${killed}`);
      await pause(random() * 1000);
    }
  }

  async function turn(): Promise<void> {
    const set = (name: Switch, on: boolean) => {
      note(`${name} ${on ? 'on' : 'off'}`);
      const body = JSON.stringify({ name, on });
      const headers = { 'content-type': 'application/json' };
      return fetch(new URL('/switches', console.url), { method: 'POST', headers, body });
    };
    for (let round = 0; round < SWITCHES.length * 2 || storm.kills < killsMax; round++) {
      await pause(6000 + random() * 6000);
      const first = SWITCHES[round % SWITCHES.length] as Switch;
      const second = SWITCHES[Math.floor(random() * SWITCHES.length)] as Switch;
      for (const name of new Set([first, second])) await set(name, true);
      await pause(1500 + random() * 2500);
      for (const name of new Set([first, second])) await set(name, false);
    }
  }

  return storm;
}
