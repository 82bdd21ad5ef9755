import type { Millis } from '../../functions/core/job.ts';
import { decoded, encoded, kindOf } from '../../functions/core/polling/lessons.ts';
import type { DurationStats } from '../../functions/ports.ts';
import type { Cloud } from '../../test/cloud/cloud.ts';
import { teach } from '../../test/cloud/contents.ts';
import type { Item } from '../../test/cloud/expressions.ts';
import { must } from './judge.ts';
import type { Random } from './random.ts';
import type { Simulation } from './simulation.ts';

const TERM_MIN_MILLIS = 120_000;
const SKEW_MAX_MILLIS = 3000;
const TICK_MILLIS = 100;
const FREE_SLOTS = 2;
const HOUR = 3_600_000;

/** Who was asked to teach how long jobs take, at their submission, by which it is judged what is taught. */
export class Lessons {
  readonly #sim: Simulation;
  readonly #enrolled = new Set<string>();
  /** What each slot of each kind says. */
  readonly #slots = new Map<string, number>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** The duration stats as the flows of one environment see them. */
  watched(stats: DurationStats): DurationStats {
    const given = new Map<string, Millis>();
    return {
      ...stats,
      enroll: async (kind, submittedAt) => {
        this.#enrolled.add(nameOf(kind, submittedAt));
        const slot = await stats.enroll(kind, submittedAt);
        const last = given.get(`${kind} ${slot}`);
        const isFree = slot === null || last === undefined || submittedAt - last >= TERM_MIN_MILLIS;
        must(isFree, 'I19', () => `slot ${slot} of ${kind} is given to two jobs by one environment`);
        given.set(`${kind} ${slot}`, submittedAt);
        return slot;
      },
    };
  }

  /** Jobs of the past, which may have come in a crowd. Few of the slots have had their term. */
  ofThePast(
    cloud: Cloud,
    modelId: string,
    slots: number[],
    secondsIn: (slot: number, random: Random) => number,
  ): void {
    const { now } = this.#sim;
    const random = this.#sim.chanceOf(`the past of ${modelId}`);
    const count = random.pick(slots);
    const gapMillis = random.pick([500, 500, 60_000]);
    const { durationStats } = cloud.tables;
    for (const totalTasks of [1, 2]) {
      const kind = kindOf({ modelId, totalTasks });
      const durations = Array.from({ length: count }, (_, slot) => secondsIn(slot, random));
      const submittedAt = (slot: number) => now - slot * gapMillis - (slot < FREE_SLOTS ? HOUR : 0);
      teach(cloud, kind, durations, submittedAt);
      for (const [slot, number] of slotsOf(durationStats.peek(kind)))
        this.#slots.set(`${kind} ${slot}`, number);
    }
  }

  /** A lesson is never lost to one of an earlier half minute, and what a job teaches is its own. */
  wrote(kind: string, item: Item | null): void {
    for (const [slot, number] of slotsOf(item)) {
      const before = this.#slots.get(`${kind} ${slot}`);
      if (before === number) continue;
      this.#slots.set(`${kind} ${slot}`, number);
      must(before === undefined || number > before, 'I19', () => `${slot} of ${kind} is of an earlier job`);
      this.#judge(kind, slot, number, before);
    }
  }

  #judge(kind: string, slot: string, number: number, before: number | undefined): void {
    const { submittedAt, took, isUnderWay } = decoded(number);
    const isKnown = this.#enrolled.has(nameOf(kind, submittedAt));
    must(isKnown, 'I19', () => `${slot} of ${kind} is of a job that was not to teach`);
    const age = this.#sim.now - submittedAt + SKEW_MAX_MILLIS;
    const isPossible = isUnderWay || (took !== null && took.to * 1000 <= Math.max(1000, age) * 1.01);
    must(isPossible, 'I19', () => `${slot} of ${kind} took ${took?.to} s within ${age} ms`);
    if (!isUnderWay || before === undefined) return;
    const since = submittedAt - decoded(before).submittedAt;
    must(
      since >= TERM_MIN_MILLIS - TICK_MILLIS,
      'I19',
      () => `${slot} of ${kind} is taken after ${since} ms`,
    );
  }
}

/** As precisely as a lesson says it. */
function nameOf(kind: string, submittedAt: Millis): string {
  const lesson = { submittedAt, took: null, isUnderWay: true };
  return `${kind} ${decoded(encoded(lesson)).submittedAt}`;
}

function slotsOf(item: Item | null): [slot: string, number: number][] {
  const slots = Object.entries(item ?? {}).filter(([name]) => /^s\d+$/.test(name));
  return slots.map(([slot, value]) => [slot, Number(value.N)]);
}
