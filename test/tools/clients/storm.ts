import { writeFileSync } from 'node:fs';
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
/** Those that submit, poll and deliver; a job that waited is submitted by the third. */
const VICTIMS = /^(HttpSubmit|PollPoller|Create|Deliver)/;

export interface Storm {
  kills: number;
  /** What was done, in a file. */
  log: string;
  /** Resolves once it has blown over: every switch is off, and nobody is killed any more. */
  ended: Promise<void>;
}

/**
 * Turns the console's switches on and off, one or two at once, and kills busy functions, until there were so many kills and
 * each switch was on.
 */
export function raise({ stack, console }: System, seed: number, killsMax: number): Storm {
  const random = randomOf(seed);
  const lines = [`seed ${seed}`];
  const startedAt = Date.now();
  const note = (line: string) => lines.push(`${((Date.now() - startedAt) / 1000).toFixed(1)} ${line}`);
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  const storm: Storm = {
    kills: 0,
    log: join(tmpdir(), `client-storm-${seed}.log`),
    ended: Promise.all([kill(), turn()]).then(() => writeFileSync(storm.log, `${lines.join('\n')}\n`)),
  };

  async function kill(): Promise<void> {
    const victims = Object.entries(stack.functions).filter(([id]) => VICTIMS.test(id));
    while (storm.kills < killsMax) {
      await pause(100 + random() * 500);
      const [id, victim] = victims[Math.floor(random() * victims.length)] as (typeof victims)[number];
      const killed = victim.kill();
      if (killed === 0) continue;
      storm.kills += 1;
      note(`kill ${id} ${killed}`);
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
      const first = SWITCHES[round % SWITCHES.length] as Switch;
      const second = SWITCHES[Math.floor(random() * SWITCHES.length)] as Switch;
      for (const name of new Set([first, second])) await set(name, true);
      await pause(2000 + random() * 4000);
      for (const name of new Set([first, second])) await set(name, false);
      await pause(1000 + random() * 3000);
    }
  }

  return storm;
}
