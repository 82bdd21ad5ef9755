import type { Service } from '../../test/cloud/clients.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';
import { VirtualTime } from '../../test/cloud/time.ts';
import {
  type AttemptFate,
  type Chance,
  drawFaults,
  type Faults,
  healed,
  probabilityOf,
  type Strike,
  slowed,
  withConditions,
  withRollout,
} from './faults.ts';
import { Injections, mixed, type OnOccasion } from './injections.ts';
import type { Invocation } from './invocation.ts';
import { Violation } from './judge.ts';
import { Random } from './random.ts';
import type { Release } from './releases.ts';
import { endOf, type Rollout, shareOfLater } from './rollout.ts';
import { drawScene, type Scene } from './scene.ts';
import type { Mark, Unmarked } from './trace-marks.ts';
import { Traces } from './traces.ts';

export const START = Date.UTC(2026, 0, 1);
/** Until then everything may go wrong; from then on, liveness is judged. */
export const HEALS_AT = START + 20 * 60_000;

/** Who follows a run, and what is left out of it. */
export interface Watching {
  onStep?: (step: string) => void;
  onOccasion?: OnOccasion;
  onMark?: (mark: Mark) => void;
  /** The ids of the faults that may happen. */
  only?: ReadonlySet<string>;
}

/** Of an environment, what is asked about a call that is having its effect. */
export interface Acting {
  readonly name: FunctionName;
  readonly release: Release;
  readonly isAlive: boolean;
  readonly invocation: Invocation;
  readonly invocationOrNull: Invocation | null;
  hasReportOn(upstreamJobId: string): boolean;
}

/** One run: its chance, its time, its faults, and what has happened. */
export class Simulation {
  readonly seed: number;
  /** For what is drawn before anything happens. */
  readonly random: Random;
  readonly #chances = new Map<string, Random>();
  readonly time = new VirtualTime(START);
  readonly isQuiet: boolean;
  readonly injections: Injections;
  readonly scene: Scene;
  faults: Faults;
  /** It goes on when the other faults have ended. */
  readonly rollout: Rollout | null;
  violation: Violation | null = null;
  struck: Strike['how'] | null = null;
  /** Whose call is having its effect right now. */
  acting: Acting | null = null;
  readonly counts: Record<string, number> = {};
  readonly traces: Traces;
  readonly #onStep: ((step: string) => void) | null;
  readonly #isCovered: boolean;
  /** For the page of the run; null: nobody makes one. */
  readonly mark: ((mark: Unmarked) => void) | null;

  constructor(seed: number, { onStep, onOccasion, onMark, only }: Watching = {}) {
    this.seed = seed;
    this.traces = new Traces(seed);
    this.mark = onMark ? (mark) => onMark({ at: this.now, ...mark } as Mark) : null;
    this.random = new Random(seed);
    const { faults: drawn, isQuiet } = drawFaults(this.random, START);
    this.scene = drawScene(this.random, this.chanceOf('destinations'));
    // So few deliveries go to queues and buses that most would never fail.
    const receiver = this.scene.hasDestinations ? Math.max(0.3, drawn.receiver) : drawn.receiver;
    const mix = { ...drawn, receiver };
    const faults = isQuiet ? drawn : withRollout(mix, this.chanceOf('the next release'), START);
    const isCrowded = this.scene.crowd > 0;
    this.injections = new Injections(seed, only ?? null, onOccasion ?? null);
    this.faults = withConditions(isCrowded ? slowed() : faults, (what) => this.injects(what, 'all steps'));
    this.rollout = this.faults.rollout;
    this.isQuiet = isQuiet && !isCrowded;
    this.#onStep = onStep ?? null;
    this.#isCovered = onOccasion !== undefined;
  }

  get now(): number {
    return this.time.now;
  }

  /** From then on, all that is stored can be read, and nothing goes wrong. */
  get settlesAt(): number {
    return Math.max(HEALS_AT, this.rollout ? endOf(this.rollout) : 0);
  }

  /** Of the next environment of a function. */
  releaseOf(name: FunctionName): Release {
    const isLater = this.chanceOf(`releases of ${name}`).happens(this.#shareOfLater(name));
    if (isLater) return 'later';
    return this.fault('olderRelease', name, 'an environment') ? 'older' : 'today';
  }

  /** Whether environments of a release are still invoked. */
  isDeployed(release: Release, name: FunctionName): boolean {
    return release === 'later' ? this.#shareOfLater(name) > 0 : this.#shareOfLater(name) < 1;
  }

  #shareOfLater(name: FunctionName): number {
    return this.rollout ? shareOfLater(this.rollout, name, this.now) : 0;
  }

  /** By what the nature of a fault is drawn that happens at a step of somebody's; null: it does not. */
  fault(name: Chance, who: string, what: string): Random | null {
    const probability = probabilityOf(this.faults, name, who);
    if (probability === 0 && !this.#isCovered) return null;
    return this.#marked(this.injections.draw(name, `${who}: ${what}`, probability, this.now));
  }

  /** Whether a fault that is drawn elsewhere may happen. */
  injects(fault: string, step: string): boolean {
    return this.#marked(this.injections.inject(fault, step, this.now));
  }

  #marked<T>(happens: T): T {
    const injection = this.injections.all.at(-1);
    if (happens && injection) this.mark?.({ kind: 'fault', ...injection });
    return happens;
  }

  /** What becomes of each request of a call to AWS; those beyond the list go well. */
  fatesOf(stage: FunctionName, service: Service, what: string, tries: number): AttemptFate[] {
    const { faults, now } = this;
    const all = (how: AttemptFate) => Array<AttemptFate>(tries).fill(how);
    const strike = this.#strikes(stage);
    if (strike === 'repeated') return ['reply lost'];
    if (strike) return all(strike);
    const outage = faults.outages.find(
      ({ service: away, from, to }) => away === service && from <= now && now < to,
    );
    if (outage) return all(outage.how);
    const bad = (own: Random, how: AttemptFate) => all(how).slice(0, own.pick([1, tries]));
    const error = this.fault('error', stage, what);
    if (error) return bad(error, 'fails');
    const loss = this.fault('lostReply', stage, what);
    if (loss) {
      this.count('reply lost');
      return bad(loss, 'reply lost');
    }
    const hang = this.fault('hang', stage, what);
    if (hang) return bad(hang, hang.pick(['hangs', 'hangs, done']));
    return this.fault('slow', stage, what) ? ['slow'] : [];
  }

  /** Whether this call of a stage's worker is the one that fails in this run, and how. */
  #strikes(stage: FunctionName): Strike['how'] | null {
    const { strike } = this.faults;
    if (strike?.stage !== stage || --strike.calls !== 0) return null;
    if (!this.injects(strike.how, `${stage}: call`)) return null;
    this.struck = strike.how;
    return strike.how;
  }

  /** Milliseconds that a request to AWS takes. */
  latency(fate: AttemptFate, who: string): number {
    return fate === 'slow' ? this.chanceOf(who).between(100, 2000) : this.duration(2, 20, who);
  }

  /** Milliseconds that something takes. */
  duration(low: number, high: number, who: string): number {
    return this.faults.isInStep ? low : this.chanceOf(who).between(low, high);
  }

  /** Each has a chance of their own, so that a fault that is left out changes little of what the others draw. */
  chanceOf(who: string): Random {
    const known = this.#chances.get(who);
    if (known) return known;
    const chance = new Random(mixed(this.seed, who));
    this.#chances.set(who, chance);
    return chance;
  }

  heal(): void {
    this.faults = healed();
    this.note('faults end');
  }

  note(text: string): void {
    this.#onStep?.(`${((this.now - START) / 1000).toFixed(3).padStart(10)}  ${text}`);
  }

  /** Keeps the first violation, even if a caller swallows it. */
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

  count(what: string, howMany = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + howMany;
  }
}
