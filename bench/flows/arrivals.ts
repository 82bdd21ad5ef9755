import { Random } from '../../simulation/random.ts';
import type { Cloud } from './cloud.ts';

/** Has clients submit all of the ledger's jobs, at moments of their own, so many a second on average. */
export function submitAtRate(cloud: Cloud, perSecond: number): void {
  const { ledger, time, options } = cloud;
  const random = new Random(options.seed + 1);
  const next = (index: number) => {
    if (index === ledger.size) return;
    time.after((-Math.log(1 - random.fraction()) / perSecond) * 1000, () => {
      void cloud.submit(index);
      next(index + 1);
    });
  };
  next(0);
}
