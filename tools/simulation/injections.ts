import type { Millis } from '../../functions/core/job.ts';
import { Random } from './random.ts';

/** A fault that a run has met. */
export interface Injection {
  /** As they come, from 1. */
  number: number;
  /** The same in every run of the seed, whatever else is left out of it. */
  id: string;
  fault: string;
  /** Whom it strikes, and at what. */
  step: string;
  at: Millis;
}

/** Told of each moment at which a fault may happen, and whether it does. */
export type OnOccasion = (fault: string, step: string, happens: boolean) => void;

interface Site {
  random: Random;
  occasions: number;
}

/**
 * The faults of one run, numbered as they are drawn. Each kind of fault has a chance of its own at each step, which is
 * drawn first and decided then: one that is left out changes nothing of when the others happen, and what they are like.
 */
export class Injections {
  readonly all: Injection[] = [];
  readonly #seed: number;
  readonly #only: ReadonlySet<string> | null;
  readonly #onOccasion: OnOccasion | null;
  readonly #sites = new Map<string, Site>();

  /** @param only the ids of those that may happen; null: all that are drawn */
  constructor(seed: number, only: ReadonlySet<string> | null, onOccasion: OnOccasion | null) {
    this.#seed = seed;
    this.#only = only;
    this.#onOccasion = onOccasion;
  }

  /** By what the fault's own nature is drawn, if it happens; null: it does not. */
  draw(fault: string, step: string, probability: number, at: Millis): Random | null {
    if (probability === 0) {
      this.#onOccasion?.(fault, step, false);
      return null;
    }
    const site = this.#siteOf(`${fault} at ${step}`);
    site.occasions += 1;
    if (!site.random.happens(probability)) {
      this.#onOccasion?.(fault, step, false);
      return null;
    }
    const own = new Random(site.random.between(0, 2 ** 32 - 1));
    return this.#inject(`${fault} at ${step} #${site.occasions}`, fault, step, at) ? own : null;
  }

  /** Whether a fault that is drawn elsewhere may happen in this run. */
  inject(fault: string, step: string, at: Millis): boolean {
    const site = this.#siteOf(`${fault} at ${step}`);
    site.occasions += 1;
    return this.#inject(`${fault} at ${step} #${site.occasions}`, fault, step, at);
  }

  #inject(id: string, fault: string, step: string, at: Millis): boolean {
    const isIn = this.#only === null || this.#only.has(id);
    if (isIn) this.all.push({ number: this.all.length + 1, id, fault, step, at });
    this.#onOccasion?.(fault, step, isIn);
    return isIn;
  }

  #siteOf(name: string): Site {
    const known = this.#sites.get(name);
    if (known) return known;
    const site = { random: new Random(mixed(this.#seed, name)), occasions: 0 };
    this.#sites.set(name, site);
    return site;
  }
}

/** A seed of its own for each name (FNV-1a). */
export function mixed(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ((seed ^ hash) >>> 0) + 2 ** 32 * (Math.floor(seed / 2 ** 32) & 0x1fffff);
}
