import * as z from 'zod';

/** `-c name=value` on the command line always gives a string. */
export const whole = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
    z.int().min(min).max(max),
  );

export const number = (min: number, max: number) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,6}(\.\d{1,6})?$/.test(value) ? Number(value) : value),
    z.number().min(min).max(max),
  );

export const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => {
    if (typeof value === 'number') return [value];
    return typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
  }, z.array(item));

export function areDifferent(items: unknown[]): boolean {
  return new Set(items).size === items.length;
}
