/** Deeper than any honest answer; the parser of a client that reads it may not get further. */
const DEPTH_MAX = 200;
/** Length of a name or a value that is still read. */
const SHORT_MAX_BYTES = 64 * 1024;

const WORD_MAX_BYTES = 20;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
const ZERO = 0x30;
const NINE = 0x39;
export const COLON = 0x3a;
export const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
export const BRACE = 0x7b;
/** From an opening bracket or brace to the closing one. */
export const CLOSING = 2;

const SCALAR = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const ESCAPED = new Set([...'"\\/bfnrtu'].map((char) => char.charCodeAt(0)));
/** Letters, digits, `_`, `+`, `-` and `.`, by their codes. */
const OF_SCALAR = Array.from({ length: 256 }, (_, code) => /[\w+.-]/.test(String.fromCharCode(code)));
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * A value in a valid document, from its first byte to the one after its last. It is read in place, without an object for what is in
 * it: a hostile answer needs no more memory, and what is passed on keeps every byte.
 */
export class Json {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;

  constructor(bytes: Buffer, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.from = from;
    this.to = to;
  }

  get isObject(): boolean {
    return this.bytes[this.from] === BRACE;
  }

  get isArray(): boolean {
    return this.bytes[this.from] === BRACKET;
  }

  get isNull(): boolean {
    return this.bytes[this.from] === 0x6e;
  }

  get text(): string {
    return this.bytes.toString('utf8', this.from, this.to);
  }

  /** Undefined if it is long. */
  get value(): unknown {
    return this.to - this.from > SHORT_MAX_BYTES ? undefined : JSON.parse(this.text);
  }

  /** Of an object. */
  *members(): Generator<[name: string, value: Json]> {
    const { bytes } = this;
    let at = skipSpace(bytes, this.from + 1);
    while (bytes[at] !== BRACE + CLOSING) {
      const end = endOfString(bytes, at);
      const name = new Json(bytes, at, end).value;
      const from = skipSpace(bytes, skipSpace(bytes, end) + 1);
      const to = endOfValue(bytes, from);
      yield [String(name ?? ''), new Json(bytes, from, to)];
      at = skipSpace(bytes, to);
      if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    }
  }

  /** Of an array. */
  *elements(): Generator<Json> {
    const { bytes } = this;
    let at = skipSpace(bytes, this.from + 1);
    while (bytes[at] !== BRACKET + CLOSING) {
      const to = endOfValue(bytes, at);
      yield new Json(bytes, at, to);
      at = skipSpace(bytes, to);
      if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
    }
  }
}

/** The one value of a document; null if the document is not strict JSON or is too deep. */
export function documentIn(bytes: Buffer): Json | null {
  const isMarked = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte);
  const from = skipSpace(bytes, isMarked ? BYTE_ORDER_MARK.length : 0);
  const to = endOfDocument(bytes, from);
  return to < 0 ? null : new Json(bytes, from, to);
}

/** Where bytes stop being JSON; null if they do not. */
export function faultIn(bytes: Buffer): number | null {
  const end = endOfDocument(bytes, skipSpace(bytes, 0));
  return end < 0 ? ~end : null;
}

// Below, an end is the place after something; if there is no such thing, `~place` is where the text stops being JSON.

function endOfDocument(bytes: Buffer, from: number): number {
  const to = endOfValue(bytes, from);
  const rest = skipSpace(bytes, to);
  return to < 0 || rest === bytes.length ? to : ~rest;
}

/** The text with some words outside of strings replaced; unchanged if a string does not end. */
export function withWordsReplaced(bytes: Buffer, words: ReadonlyMap<string, string>): Buffer {
  const growth = Math.max(1, ...[...words].map(([from, to]) => to.length / from.length));
  const replaced = Buffer.allocUnsafe(Math.ceil(bytes.length * growth));
  let length = 0;
  let copied = 0;
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = at + 1;
    if (bytes[at] === QUOTE) end = endOfString(bytes, at);
    if (end < 0) return bytes;
    if (!OF_SCALAR[bytes[at] ?? 0]) continue;
    while (OF_SCALAR[bytes[end] ?? 0]) end++;
    const word = end - at > WORD_MAX_BYTES ? undefined : words.get(bytes.toString('latin1', at, end));
    if (word === undefined) continue;
    length += bytes.copy(replaced, length, copied, at);
    length += replaced.write(word, length);
    copied = end;
  }
  length += bytes.copy(replaced, length, copied);
  return replaced.subarray(0, length);
}

function endOfValue(bytes: Buffer, start: number, depth = 0): number {
  const code = bytes[start];
  if (code === QUOTE) return endOfString(bytes, start);
  if (code !== BRACE && code !== BRACKET) return endOfScalar(bytes, start);
  if (depth === DEPTH_MAX) return ~start;
  const closing = code + CLOSING;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === closing) return at + 1;
  for (;;) {
    if (code === BRACE) at = endOfName(bytes, at);
    if (at >= 0) at = skipSpace(bytes, endOfValue(bytes, at, depth + 1));
    if (bytes[at] === closing) return at + 1;
    if (bytes[at] !== COMMA) return Math.min(at, ~at);
    at = skipSpace(bytes, at + 1);
  }
}

/** The end of a member's name and colon, where its value begins. */
function endOfName(bytes: Buffer, at: number): number {
  const end = bytes[at] === QUOTE ? skipSpace(bytes, endOfString(bytes, at)) : ~at;
  return bytes[end] === COLON ? skipSpace(bytes, end + 1) : Math.min(end, ~end);
}

function endOfString(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const code = bytes[at] as number;
    if (code === QUOTE) return at + 1;
    if (code < 0x20) return ~at;
    if (code === BACKSLASH) {
      const escaped = bytes[at + 1] ?? 0;
      const isUnicode = escaped === 0x75;
      if (!ESCAPED.has(escaped)) return ~at;
      if (isUnicode && !/^[\da-f]{4}$/i.test(bytes.toString('latin1', at + 2, at + 6))) return ~at;
      at += 1;
    }
  }
  return ~bytes.length;
}

function endOfScalar(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at])) at++;
  const isPlain = at > start && !OF_SCALAR[bytes[at] ?? 0] && (bytes[start] !== ZERO || at === start + 1);
  if (isPlain) return at;
  while (OF_SCALAR[bytes[at] ?? 0]) at++;
  return SCALAR.test(bytes.toString('latin1', start, at)) ? at : ~start;
}

const isDigit = (code = 0) => code >= ZERO && code <= NINE;

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}
