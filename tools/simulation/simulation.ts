import type { Service } from '../../test/cloud/clients.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';
import { VirtualTime } from '../../test/cloud/time.ts';
import type { Environment } from './environment.ts';
import { type AttemptFate, drawFaults, type Faults, healed, type Strike } from './faults.ts';
import { Violation } from './judge.ts';
import { Random } from './random.ts';

const STEPS_KEPT = 60;
export const START = Date.UTC(2026, 0, 1);
/** Until then everything may go wrong; from then on, liveness is judged. */
export const HEALS_AT = START + 20 * 60_000;

/** One run: its chance, its time, its faults, and what has happened. */
export class Simulation {
  readonly seed: number;
  readonly random: Random;
  readonly time = new VirtualTime(START);
  readonly isQuiet: boolean;
  faults: Faults;
  violation: Violation | null = null;
  struck: Strike['how'] | null = null;
  /** Whose call is having its effect right now. */
  acting: Environment | null = null;
  readonly counts: Record<string, number> = {};
  readonly #steps: string[] = [];
  readonly #onStep: ((step: string) => void) | null;

  constructor(seed: number, onStep: ((step: string) => void) | null = null) {
    this.seed = seed;
    this.random = new Random(seed);
    const { faults, isQuiet } = drawFaults(this.random, START);
    this.faults = faults;
    this.isQuiet = isQuiet;
    this.#onStep = onStep;
  }

  get now(): number {
    return this.time.now;
  }

  /** What becomes of each request of a call to AWS; those beyond the list go well. */
  fatesOf(stage: FunctionName, service: Service, tries: number): AttemptFate[] {
    const { random, faults, now } = this;
    const all = (how: AttemptFate) => Array<AttemptFate>(tries).fill(how);
    const strike = this.#strikes(stage);
    if (strike) return all(strike);
    const outage = faults.outages.find(
      ({ service: away, from, to }) => away === service && from <= now && now < to,
    );
    if (outage) return all(outage.how);
    const isBad = (how: AttemptFate) => all(how).slice(0, random.pick([1, tries]));
    if (random.happens(faults.error)) return isBad('fails');
    if (random.happens(faults.lostReply)) {
      this.count('reply lost');
      return isBad('reply lost');
    }
    if (random.happens(faults.hang)) return isBad(random.pick(['hangs', 'hangs, done']));
    return random.happens(faults.slow) ? ['slow'] : [];
  }

  /** Whether this call of a stage's worker is the one that fails in this run, and how. */
  #strikes(stage: FunctionName): Strike['how'] | null {
    const { strike } = this.faults;
    if (strike?.stage !== stage || --strike.calls !== 0) return null;
    this.struck = strike.how;
    return strike.how;
  }

  /** Milliseconds that a request to AWS takes. */
  latency(fate: AttemptFate): number {
    return fate === 'slow' ? this.random.between(100, 2000) : this.duration(2, 20);
  }

  /** Milliseconds that something takes. */
  duration(low: number, high: number): number {
    return this.faults.isInStep ? low : this.random.between(low, high);
  }

  heal(): void {
    this.faults = healed();
    this.note('faults end');
  }

  note(text: string): void {
    const step = `${((this.now - START) / 1000).toFixed(3).padStart(10)}  ${text}`;
    this.#onStep?.(step);
    this.#steps.push(step);
    if (this.#steps.length > STEPS_KEPT) this.#steps.shift();
  }

  /** Keeps the first violation, whoever may go on to swallow it. */
  report(error: unknown): void {
    if (!(error instanceof Violation) || this.violation !== null) return;
    this.violation = error;
    this.note(`VIOLATION ${error.message}`);
  }

  judge(verdict: () => void): void {
    try {
      verdict();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.report(error);
    }
  }

  get lastSteps(): readonly string[] {
    return this.#steps;
  }

  count(what: string, howMany = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + howMany;
  }
}
