import { EMPTY_SENTENCES, SENTENCES } from './dialect.ts';
import { documentIn, elementsOf, isArrayAt, isObjectAt, membersOf, type Span, valueAt } from './json.ts';

const SENTENCE_MAX_LENGTH = 300;
/** Of a list of faults. */
const FAULTS_MAX = 5;
const FIELDS_MAX = 100;
/** Of one object that are looked at. */
const MEMBERS_MAX = 1000;
const DEPTH_MAX = 4;

/** Why a request was refused, in the words of whoever refused it; null when the answer does not say. */
export function sentenceOfRefusal(body: Buffer, apiKey: string): string | null {
  const document = documentIn(body);
  if (document) return plain(sentenceAt(body, document, SENTENCES.refusal, 0), apiKey);
  const text = body.toString().trim();
  const isShortText = text.length <= SENTENCE_MAX_LENGTH && !/^[<{[]/.test(text);
  return isShortText ? plain(text, apiKey) : null;
}

/** Why a job failed, in the words of its report; null when that does not say. */
export function sentenceOfFailure(body: Buffer, report: Span, apiKey: string): string | null {
  return plain(sentenceAt(body, report, SENTENCES.failure, 0), apiKey);
}

type Names = readonly string[];

function sentenceAt(body: Buffer, span: Span, names: Names, depth: number): string | null {
  if (depth > DEPTH_MAX) return null;
  if (isArrayAt(body, span)) return joined(faultsIn(body, span, depth));
  if (isObjectAt(body, span)) return sentenceInObject(body, span, names, depth);
  const value = valueAt(body, span);
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** Where several members say something, the most telling one. */
function sentenceInObject(body: Buffer, span: Span, names: Names, depth: number): string | null {
  const members = picked(body, span, names);
  const found = names.flatMap((name) => {
    const value = members.get(name);
    return (value && sentenceAt(body, value, SENTENCES.refusal, depth + 1)) ?? [];
  });
  const [first = null] = found.toSorted((a, b) => weightOf(b) - weightOf(a));
  // Of an object that is nested, what names no member of ours are the names of the fields that are at fault.
  const isOfFields = first === null && depth > 0;
  return isOfFields ? joined(fieldFaultsIn(body, span, depth)) : first;
}

/** Only these, however many there are. */
function picked(body: Buffer, object: Span, names: Names): Map<string, Span> {
  return new Map(
    membersOf(body, object)
      .take(MEMBERS_MAX)
      .filter(([name]) => names.includes(name)),
  );
}

function faultsIn(body: Buffer, list: Span, depth: number): string[] {
  const faults: string[] = [];
  for (const entry of elementsOf(body, list)) {
    if (faults.length === FAULTS_MAX) break;
    const sentence = sentenceAt(body, entry, SENTENCES.refusal, depth + 1);
    if (sentence === null) continue;
    const place = isObjectAt(body, entry) ? placeIn(body, entry) : '';
    faults.push(place === '' ? sentence : `${place}: ${sentence}`);
  }
  return faults;
}

function fieldFaultsIn(body: Buffer, object: Span, depth: number): string[] {
  const never: Names = SENTENCES.never;
  const faults: string[] = [];
  for (const [name, value] of membersOf(body, object).take(FIELDS_MAX)) {
    if (faults.length === FAULTS_MAX) break;
    const isList = isArrayAt(body, value) && !never.includes(name);
    const sentence = isList ? sentenceAt(body, value, [], depth + 1) : null;
    if (sentence !== null) faults.push(`${name}: ${sentence}`);
  }
  return faults;
}

/** `["body", "messages", 0]` is `messages.0`. */
function placeIn(body: Buffer, entry: Span): string {
  const members = picked(body, entry, SENTENCES.place);
  for (const name of SENTENCES.place) {
    const span = members.get(name);
    const value = span && valueAt(body, span);
    if (typeof value === 'string') return value;
    if (Array.isArray(value)) return value.filter((part) => part !== 'body').join('.');
  }
  return '';
}

function joined(faults: string[]): string | null {
  return faults.length === 0 ? null : faults.join('; ');
}

/** A code, such as `bad_request`, tells less than a sentence does, and more than the status line said over again. */
function weightOf(sentence: string): number {
  if (saysNothing(sentence)) return 0;
  return /\s/.test(sentence) ? 2 : 1;
}

function saysNothing(sentence: string): boolean {
  return EMPTY_SENTENCES.some((pattern) => pattern.test(sentence.replace(/[\s.!]+$/, '')));
}

/** One line of plain text, not too long; null when it gives the key away. */
function plain(sentence: string | null, apiKey: string): string | null {
  if (sentence === null || quotesKey(sentence, apiKey)) return null;
  const line = sentence.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line === '' ? null : line.slice(0, SENTENCE_MAX_LENGTH).toWellFormed();
}

/** In whatever spelling: escaped, encoded, in other letters, set apart. */
function quotesKey(sentence: string, apiKey: string): boolean {
  const letters = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const unescaped = sentence.replace(
    /\\u([\da-f]{4})|\\x([\da-f]{2})|%([\da-f]{2})|&#x([\da-f]{1,6});/gi,
    (_all, ...hex) => characterOf(Number.parseInt(hex.slice(0, 4).find(Boolean), 16)),
  );
  const texts = [sentence, unescaped.replace(/&#(\d{1,7});/g, (_all, code) => characterOf(Number(code)))];
  const bytes = Buffer.from(apiKey);
  const keys = [apiKey, bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')];
  const spelled = keys.map(letters).filter((key) => key !== '');
  return texts.some((text) => spelled.some((key) => letters(text).includes(key)));
}

function characterOf(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}
