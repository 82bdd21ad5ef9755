import type { HttpOutcome } from '../../functions/core/http/http-outcome.ts';
import type { ExchangeRequest } from '../../functions/edge/exchange.ts';
import { must } from './judge.ts';
import type { Simulation } from './simulation.ts';

/** One invocation of a function. When it dies, what it was waiting for never comes, but may still happen. */
export class Worker {
  readonly name: string;
  readonly #sim: Simulation;
  readonly #skew: number;
  /** ModelStudio's ids of the jobs on which it has reported to this worker. */
  readonly reportedOn = new Set<string>();
  #isAlive = true;
  #underWay = 0;
  #onEnd: (() => void)[] = [];

  constructor(sim: Simulation, name: string, timeoutMillis: number) {
    this.#sim = sim;
    this.name = name;
    const { skewMillis } = sim.faults;
    this.#skew = skewMillis > 0 ? sim.random.between(-skewMillis, skewMillis) : 0;
    sim.timeline.after(timeoutMillis, () => this.die('timed out'));
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  readonly clock = { now: (): number => this.#sim.now + this.#skew };

  /** Called once, when the invocation has ended or died. */
  onEnd(callback: () => void): void {
    this.#onEnd.push(callback);
  }

  /** It has answered: what is still under way is frozen with it, or lost. */
  end(): void {
    if (!this.#isAlive) return;
    const calls = this.#underWay;
    this.#sim.judge(() =>
      must(calls === 0, 'I12', () => `${this.name} answers with ${calls} calls under way`),
    );
    this.#over();
  }

  die(how: string): void {
    if (!this.#isAlive) return;
    this.#sim.note(`${this.name} ${how}`);
    this.#sim.count('died');
    this.#over();
  }

  #over(): void {
    this.#isAlive = false;
    for (const callback of this.#onEnd) callback();
  }

  /** One call of a port. Its effect happens at one moment in the future, if it happens. */
  call<T>(what: string, effect: () => T): Promise<T> {
    const { random, faults, timeline } = this.#sim;
    const never = new Promise<T>(() => undefined);
    if (!this.#isAlive) return never;
    if (random.happens(faults.crash)) {
      const isSent = random.happens(0.5);
      if (isSent) timeline.after(random.between(1, 50), () => this.#attempt(effect));
      this.die(`crashed at ${what}, ${isSent ? 'after' : 'before'} its effect`);
      return never;
    }
    this.#underWay += 1;
    const strike = this.#sim.strikes(this.name);
    return new Promise((resolve, reject) => {
      const reply = (act: () => void) =>
        timeline.after(this.#latency() / 2, () => {
          this.#underWay -= 1;
          if (this.#isAlive) act();
        });
      timeline.after(this.#latency() / 2, () => {
        const fails = random.happens(faults.error) || strike === 'error';
        if (fails) {
          this.#sim.note(`${this.name}: ${what} fails`);
          return reply(() => reject(new Error(`${what} failed`)));
        }
        const result = this.#attempt(effect);
        const isLost = random.happens(faults.lostReply) || strike === 'lost reply';
        if (isLost) {
          this.#sim.count('reply lost');
          this.#sim.note(`${this.name}: the reply of ${what} is lost`);
        }
        if ('error' in result) reply(() => reject(result.error));
        else if (isLost) reply(() => reject(new Error(`the reply of ${what} was lost`)));
        else reply(() => resolve(result.value));
      });
    });
  }

  /** Milliseconds. */
  #latency(): number {
    const { random, faults } = this.#sim;
    if (!random.happens(faults.latency)) return this.#sim.duration(2, 20);
    return random.happens(0.2) ? random.between(10_000, 70_000) : random.between(100, 8000);
  }

  #attempt<T>(effect: () => T): { value: T } | { error: unknown } {
    try {
      return { value: effect() };
    } catch (error) {
      this.#sim.report(error);
      return { error };
    }
  }

  /** An exchange over HTTP: `answer` has its effect at once, and takes as long as it says. */
  exchange(
    request: ExchangeRequest,
    answer: () => { outcome: HttpOutcome; millis: number },
  ): Promise<HttpOutcome> {
    const { random, faults, timeline } = this.#sim;
    if (!this.#isAlive) return new Promise(() => undefined);
    const crashes = random.happens(faults.crash);
    const isSent = !crashes || random.happens(0.5);
    const given = isSent ? this.#attempt(answer) : null;
    if (crashes) this.die(`crashed at an exchange, ${isSent ? 'after' : 'before'} its effect`);
    this.#underWay += 1;
    return new Promise((resolve) => {
      if (given === null || 'error' in given) return;
      const { outcome, millis } = given.value;
      const { deadlineMillis } = request;
      const inTime: HttpOutcome = millis <= deadlineMillis ? outcome : { kind: 'timeout', isConnected: true };
      timeline.after(Math.min(millis, deadlineMillis), () => {
        this.#underWay -= 1;
        if (this.#isAlive) resolve(inTime);
      });
    });
  }
}
