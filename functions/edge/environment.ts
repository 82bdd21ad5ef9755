import type { Variable } from '../core/variables.ts';

/** @throws if the stack did not set the variable, as the function must not start half-configured */
export function required(name: Variable): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`The environment variable ${name} is not set`);
  return value;
}

export function optional(name: Variable): string | null {
  return process.env[name] || null;
}

export function number(name: Variable): number {
  const value = Number(required(name));
  if (Number.isNaN(value)) throw new Error(`The environment variable ${name} must be a number`);
  return value;
}

export function numbers(name: Variable): number[] {
  const text = process.env[name] ?? '';
  const list = text.split(',').flatMap((item) => (item.trim() === '' ? [] : Number(item)));
  if (list.some(Number.isNaN)) throw new Error(`The environment variable ${name} must be a list of numbers`);
  return list;
}
