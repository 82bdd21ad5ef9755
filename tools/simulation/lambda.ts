import { FUNCTIONS } from '../../functions/core/limits.ts';
import type { FunctionName, Handlers } from '../../test/cloud/handlers.ts';
import { Environment } from './environment.ts';
import type { Simulation } from './simulation.ts';

interface Instance {
  environment: Environment;
  handlers: Handlers;
}

/** The functions: each in as many environments as it takes, which are used again, unless the account's limit is reached. */
export class Lambda {
  readonly #sim: Simulation;
  readonly #handlersIn: (environment: Environment) => Handlers;
  readonly #idle = new Map<FunctionName, Instance[]>();
  #running = 0;

  constructor(sim: Simulation, handlersIn: (environment: Environment) => Handlers) {
    this.#sim = sim;
    this.#handlersIn = handlersIn;
  }

  /** An error that the handler throws is an invocation that has failed: to those who invoke it, like one that died. */
  invoke<T>(
    name: FunctionName,
    run: (handlers: Handlers, environment: Environment) => Promise<T>,
  ): Promise<T | 'died' | 'throttled'> {
    if (this.#running >= this.#sim.faults.concurrency) {
      this.#sim.note(`${name} is throttled`);
      this.#sim.count('throttled');
      return Promise.resolve('throttled');
    }
    const instance = this.#take(name);
    const { environment } = instance;
    this.#running += 1;
    return new Promise((resolve) => {
      const over = (outcome: T | 'died') => {
        this.#running -= 1;
        resolve(outcome);
      };
      environment.begin(1000 * FUNCTIONS[name].timeoutSeconds, () => over('died'));
      const end = (outcome: T | 'died') => {
        if (!environment.isAlive) return;
        environment.end(() => this.#idle.get(name)?.push(instance));
        over(outcome);
      };
      run(instance.handlers, environment).then(end, () => end('died'));
    });
  }

  /** Now and then Lambda starts another one, though there is one. */
  #take(name: FunctionName): Instance {
    const idle = (this.#idle.get(name) ?? []).filter(({ environment }) =>
      this.#sim.isDeployed(environment.release, name),
    );
    this.#idle.set(name, idle);
    const kept = this.#sim.chanceOf(name).happens(0.1) ? undefined : idle.pop();
    if (kept) return kept;
    const environment = new Environment(this.#sim, name);
    return { environment, handlers: this.#handlersIn(environment) };
  }
}
