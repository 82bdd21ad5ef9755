import { inThread } from '../flows/in-thread.ts';
import type { Options } from '../flows/surroundings.ts';
import { MOMENTS } from './assumptions.ts';
import { billOf, type Line, totalOf } from './bill.ts';
import type { Deployment } from './deployment.ts';
import type { Load, Measured } from './measure.ts';

export const MILLION = 1e6;

export interface Billed extends Measured {
  load: Load;
  momentMillis: number;
  lines: Line[];
  total: number;
}

/** The bill at one rate of jobs, which lies somewhere in a range. */
export interface Range {
  jobsPerSecond: number;
  /** One for each of the moments. */
  billed: Billed[];
  low: number;
  middle: number;
  high: number;
}

export async function bill(load: Load, momentMillis: number, deployment: Deployment): Promise<Billed> {
  const options: Partial<Options> = {
    ...load.options,
    eventSource: { momentMillis, hasFewPollers: true, ...load.options?.eventSource },
  };
  const url = new URL('measure.ts', import.meta.url).href;
  const measured = await inThread<Measured>(url, 'measure', { ...load, options });
  const lines = billOf(measured.counts, deployment, load.jobs / MILLION);
  return { ...measured, load, momentMillis, lines, total: totalOf(lines) };
}

export async function rangeOf(load: Load, deployment: Deployment): Promise<Range> {
  const billed: Billed[] = [];
  // One after the other, as each takes gigabytes.
  for (const momentMillis of MOMENTS) billed.push(await bill(load, momentMillis, deployment));
  const totals = billed.map(({ total }) => total);
  const [low, high] = [Math.min(...totals), Math.max(...totals)];
  return { jobsPerSecond: load.jobsPerSecond, billed, low, middle: (low + high) / 2, high };
}
