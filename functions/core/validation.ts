import * as z from 'zod/mini';
import english from 'zod/v4/locales/en.js';
import type { Fault } from './problem.ts';

z.config(english());

/** Enough faults to mend any honest mistake at once; a hostile body must not buy a million of them. */
export const FAULTS_MAX = 100;
const POINTER_MAX_LENGTH = 300;

const wellFormed = z.refine<string>((text) => text.isWellFormed(), {
  error: 'Must not contain a lone surrogate',
});
export const text = z.string().check(wellFormed);

export type Path = readonly PropertyKey[];

/** At most FAULTS_MAX; `prefix` is where in the body the input was. */
export function faultsOf(error: z.core.$ZodError, input: unknown, prefix: Path): Fault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(issue, input, prefix)).slice(0, FAULTS_MAX);
}

function faultsOfIssue(issue: z.core.$ZodIssue, input: unknown, prefix: Path): Fault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, FAULTS_MAX).map((key) => fault([...path, key], 'Unknown field'));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // Of the alternatives, the one that looked furthest inside is the one that was meant.
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

function fault(path: Path, message: string): Fault {
  const pointer = path.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  return { pointer: pointer.slice(0, POINTER_MAX_LENGTH), message };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
