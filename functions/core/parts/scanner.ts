import { BRACE, BRACKET, CLOSING, QUOTE } from '../json/scan.ts';
import type { Format } from './row.ts';

/** One conversation's text, from its first byte in the file to the one after its last. */
export interface Piece {
  from: number;
  to: number;
  /** Its line, from 1; of a JSON array, its place, from 0. */
  place: number;
  /** Null: it is too large to be kept. */
  bytes: Buffer | null;
}

/** The file is no JSON array. */
export class NotAnArray extends Error {}

const FAULTS: Record<string, string> = {
  array: 'it does not begin with [ in UTF-8',
  nothing: 'something comes after it, so its format may be jsonl',
};

const NEWLINE = 0x0a;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const isSpace = (code: number) => code === 0x20 || code === NEWLINE || code === 0x0d || code === 0x09;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Divides a file into its conversations while it is read, and holds one at a time. What is inside of them is left to a parser. */
export class Scanner {
  readonly #format: Format;
  readonly #maxBytes: number;
  /** Where in the file the next byte is. */
  #at = 0;
  /** How much of a byte order mark it began with. */
  #marks = 0;
  #from = 0;
  #place = 0;
  #held: Buffer[] = [];
  #length = 0;
  /** Of a JSON array: what comes next at its own level. */
  #expects: 'array' | 'first' | 'value' | 'comma' | 'nothing' = 'array';
  #depth = 0;
  #isString = false;
  #isEscaped = false;

  constructor(format: Format, maxBytes: number) {
    this.#format = format;
    this.#maxBytes = maxBytes;
  }

  *push(given: Uint8Array): Generator<Piece> {
    const chunk = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    let start = 0;
    while (start < given.length && this.#marks === this.#at + start) {
      if (given[start] !== BYTE_ORDER_MARK[this.#marks]) break;
      this.#marks += 1;
      start += 1;
    }
    const pieces = this.#format === 'jsonl' ? this.#lines(chunk, start) : this.#elements(chunk, start);
    yield* pieces;
    this.#at += chunk.length;
  }

  /** @throws NotAnArray if there is something else, or less */
  *end(): Generator<Piece> {
    if (this.#format === 'jsonl') yield* this.#line();
    else if (this.#expects !== 'nothing') throw new NotAnArray('it ends before the array does');
  }

  *#lines(chunk: Buffer, start: number): Generator<Piece> {
    let from = start;
    for (let end = chunk.indexOf(NEWLINE, from); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk, from, end);
      yield* this.#line();
      from = end + 1;
    }
    if (from < chunk.length) this.#hold(chunk, from, chunk.length);
  }

  *#line(): Generator<Piece> {
    this.#place += 1;
    const piece = this.#release(this.#place);
    if (piece.bytes === null || !piece.bytes.every(isSpace)) yield piece;
  }

  *#elements(chunk: Buffer, start: number): Generator<Piece> {
    let from = start;
    for (let i = start; i < chunk.length; i++) {
      const code = chunk[i] as number;
      if (this.#isString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (code === BACKSLASH) this.#isEscaped = true;
        else if (code === QUOTE) this.#isString = false;
        continue;
      }
      if (this.#depth > 0) {
        if (code === QUOTE) this.#isString = true;
        else if (code === BRACE || code === BRACKET) this.#depth += 1;
        else if (code === BRACE + CLOSING || code === BRACKET + CLOSING) this.#depth -= 1;
        if (this.#depth > 0 || this.#isString) continue;
        this.#hold(chunk, from, i + 1);
        yield this.#release(this.#place++);
        this.#expects = 'comma';
        continue;
      }
      if (isSpace(code)) continue;
      from = i;
      this.#step(code);
    }
    if (this.#depth > 0) this.#hold(chunk, from, chunk.length);
  }

  /** At the array's own level. */
  #step(code: number): void {
    const expects = this.#expects;
    if (code === BRACKET && expects === 'array') this.#expects = 'first';
    else if (code === BRACKET + CLOSING && (expects === 'first' || expects === 'comma'))
      this.#expects = 'nothing';
    else if (code === COMMA && expects === 'comma') this.#expects = 'value';
    else if ((code === BRACKET || code === BRACE) && (expects === 'first' || expects === 'value'))
      this.#depth = 1;
    else
      throw new NotAnArray(
        FAULTS[expects] ?? `the array breaks off after ${this.#place} of its conversations`,
      );
  }

  #hold(chunk: Buffer, from: number, to: number): void {
    if (this.#length === 0) this.#from = this.#at + from;
    this.#length += to - from;
    // A copy: the chunk is larger, and would be kept as long.
    if (this.#length <= this.#maxBytes) this.#held.push(Buffer.from(chunk.subarray(from, to)));
    else this.#held = [];
  }

  #release(place: number): Piece {
    const bytes = this.#length <= this.#maxBytes ? Buffer.concat(this.#held) : null;
    const piece = { from: this.#from, to: this.#from + this.#length, place, bytes };
    this.#held = [];
    this.#length = 0;
    return piece;
  }
}
