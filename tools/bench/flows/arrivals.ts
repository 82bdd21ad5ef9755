import { Random } from '../../simulation/random.ts';
import type { System } from './system.ts';

/** Has clients submit all of the ledger's jobs, at moments of their own, so many a second on average. */
export function submitAtRate(system: System, perSecond: number): void {
  const { ledger, time, options } = system;
  const random = new Random(options.seed + 1);
  const next = (index: number, before: number) => {
    if (index === ledger.size) return;
    // To fractions of a millisecond, though the clock knows whole ones only.
    const at = before + (-Math.log(1 - random.fraction()) / perSecond) * 1000;
    time.after(at - time.now, () => {
      void system.submit(index);
      next(index + 1, at);
    });
  };
  next(0, time.now);
}
