import { Token } from 'aws-cdk-lib';
import * as z from 'zod';

/** `-c name=value` on the command line always gives a string. */
const orText = (schema: z.ZodNumber, pattern: RegExp) =>
  z.preprocess((value) => (typeof value === 'string' && pattern.test(value) ? Number(value) : value), schema);

/** @param of such as ` of seconds` */
export const whole = (min: number, max: number, of = '') =>
  orText(z.int().min(min).max(max), /^\d{1,9}$/).meta({ kind: `a whole number${of} from ${min} to ${max}` });

export const number = (min: number, max: number) =>
  orText(z.number().min(min).max(max), /^\d{1,6}(\.\d{1,6})?$/);

export const flag = z
  .preprocess((value) => (value === 'true' || value === 'false' ? value === 'true' : value), z.boolean())
  .meta({ kind: 'true or false' });

export const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => {
    if (typeof value === 'number') return [value];
    return typeof value === 'string' ? value.split(',').map((text) => text.trim()) : value;
  }, z.array(item));

/** A list of objects: `-c` gives it as JSON. */
export const objects = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => {
    try {
      return typeof value === 'string' ? JSON.parse(value) : value;
    } catch {
      return value;
    }
  }, z.array(item));

/** Of what CloudFormation only puts in when it deploys, the form cannot be known. */
export const matching = (pattern: RegExp) =>
  z.string().refine((text) => Token.isUnresolved(text) || pattern.test(text));

export function areDifferent(items: unknown[]): boolean {
  return new Set(items).size === items.length;
}
