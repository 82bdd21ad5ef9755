/**
 * Rows, messages and documents say which format they have: the lowest one that can express them. This is the latest
 * format that this release knows; what has no mark is of the first. See docs/decisions/formats.md.
 */
export const FORMAT = 1;

/** Thrown on meeting what a later release wrote. It is not touched: the message comes back later, and so may the request. */
export class LaterFormat extends Error {
  /** Whose it is, if that is known. */
  readonly client: unknown;

  constructor(what: string, client?: unknown) {
    super(`${what} was written by a later release`);
    this.name = 'LaterFormat';
    this.client = client;
  }
}

export function isLaterFormat(format: unknown = FORMAT): boolean {
  return !(Number(format) <= FORMAT);
}
