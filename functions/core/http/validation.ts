import * as z from 'zod/mini';
import type { Fault } from './problem.ts';

// A fault without a sentence of its own is a wrong type.
z.config({
  localeError(issue) {
    const kind = issue.code === 'invalid_type' ? issue.expected : 'value of another kind';
    return `Must be ${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
  },
});

/** Enough to fix any honest mistake at once; a hostile body must not cause a million faults. */
export const FAULTS_MAX = 100;
const POINTER_MAX_LENGTH = 300;

const wellFormed = z.refine<string>((text) => text.isWellFormed(), 'Must not contain a lone surrogate');
export const text = z.string().check(wellFormed);

export function arrayOf<T extends z.ZodMiniType>(item: T, error: string, most = 1000) {
  return z.array(item, error).check(z.minLength(1, error), z.maxLength(most, error));
}

export function number(least: number, most: number, kind: 'a number' | 'a whole number') {
  const error = `Must be ${kind} from ${least} to ${most}`;
  const some = kind === 'a number' ? z.number(error) : z.int({ error, abort: true });
  return some.check(z.minimum(least, error), z.maximum(most, error));
}

/** A field that may be left out, or null, which means the same. */
export function optional<T>(schema: z.ZodMiniType<T>, fallback: T) {
  const orNull = z._default(z.nullable(schema), fallback as never);
  const filled = z.transform((value: z.output<typeof orNull>) => value ?? fallback);
  return z.pipe(orNull, filled);
}

export type Path = readonly PropertyKey[];

/** At most FAULTS_MAX; `prefix` is the input's place in the body. */
export function faultsOf(error: z.core.$ZodError, input: unknown, prefix: Path): Fault[] {
  const faults = error.issues.flatMap((issue) => faultsOfIssue(issue, input, prefix));
  // Text instead of an array has the wrong type and may also be too long, which counts as one fault.
  const isNew = (each: Fault, i: number) => JSON.stringify(each) !== JSON.stringify(faults[i - 1]);
  return faults.filter(isNew).slice(0, FAULTS_MAX);
}

function faultsOfIssue(issue: z.core.$ZodIssue, input: unknown, prefix: Path): Fault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, FAULTS_MAX).map((key) => fault([...path, key], 'Unknown field'));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of the alternatives, the one that matched furthest inside is the one that was meant.
    const isMeant = (inner: z.core.$ZodIssue) => inner.path.length > 0 || inner.code !== 'invalid_type';
    const meant = issue.errors.find((issues) => issues.some(isMeant));
    const value = valueAt(issue.path, input);
    if (meant) return meant.flatMap((inner) => faultsOfIssue(inner, value, path));
  }
  if (issue.code === 'invalid_key') return issue.issues.flatMap((inner) => fault(path, inner.message));
  return [fault(path, isMissing(issue, input) ? 'Required' : issue.message)];
}

function isMissing(issue: z.core.$ZodIssue, input: unknown): boolean {
  const parent = valueAt(issue.path.slice(0, -1), input);
  const name = issue.path.at(-1);
  return name !== undefined && isObject(parent) && !(name in parent);
}

function valueAt(path: Path, input: unknown): unknown {
  return path.reduce<unknown>((value, key) => (value as never)?.[key], input);
}

export function fault(path: Path, message: string): Fault {
  const pointer = path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return { pointer: pointer.slice(0, POINTER_MAX_LENGTH), message };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
