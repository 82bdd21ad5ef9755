import { documentIn, type Json } from '../json/scan.ts';
import { EMPTY_SENTENCES, SENTENCES } from './dialect/sentences.ts';
import { lettersOf, MEMBERS_MAX } from './read-members.ts';

const SENTENCE_MAX_LENGTH = 300;
/** Some patterns take a time that grows with the square of the length, and an answer may quote a long prompt. */
const WEIGHED_MAX_LENGTH = 1000;
/** Entries of a list of faults that are read. */
const FAULTS_MAX = 5;
const DEPTH_MAX = 4;

/** Why a request was refused, in the words of the answer; null if it does not say. */
export function sentenceOfRefusal(body: Buffer, apiKey: string): string | null {
  const document = documentIn(body);
  if (document) return plain(sentenceIn(document, SENTENCES.refusal, 0), apiKey);
  const text = body.toString().trim();
  const isShortText = text.length <= SENTENCE_MAX_LENGTH && !/^[<{[]|[\0\ufffd]/.test(text);
  return isShortText ? plain(text, apiKey) : null;
}

/** Why a job failed, in the words of its report; null if that does not say. */
export function sentenceOfFailure(report: Json, apiKey: string): string | null {
  return plain(sentenceIn(report, SENTENCES.failure, 0), apiKey);
}

/** Fewer letters in a row may match by chance. */
const QUOTED_LETTERS = 8;

/** Whether a sentence repeats part of the request, apart from punctuation. */
export function quotes(sentence: string, asked: unknown): boolean {
  const said = lettersOf(sentence);
  // An escaped line break has a letter that the request does not have.
  const text = lettersOf(JSON.stringify(asked).replace(/\\(u[\da-f]{4}|.)/g, ' '));
  for (let at = 0; at + QUOTED_LETTERS <= said.length; at += QUOTED_LETTERS / 2)
    if (text.includes(said.slice(at, at + QUOTED_LETTERS))) return true;
  return false;
}

type Names = readonly string[];

function sentenceIn(json: Json, names: Names, depth: number): string | null {
  if (depth > DEPTH_MAX) return null;
  if (json.isArray) return joined(faultsIn(json, depth));
  if (json.isObject) return sentenceInObject(json, names, depth);
  const { value } = json;
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
}

/** If several members say something, the most telling one. */
function sentenceInObject(object: Json, names: Names, depth: number): string | null {
  const members = picked(object, names);
  const found = names.flatMap((name) => {
    const value = members.get(name);
    return (value && sentenceIn(value, SENTENCES.refusal, depth + 1)) ?? [];
  });
  const [first = null] = found.toSorted((a, b) => weightOf(b) - weightOf(a));
  // In a nested object, names that are none of the known members are the fields at fault.
  const isOfFields = first === null && depth > 0;
  return isOfFields ? joined(fieldFaultsIn(object, depth)) : first;
}

/** Only these, however many there are. */
function picked(object: Json, names: Names): Map<string, Json> {
  const members = object.members().take(MEMBERS_MAX);
  const named = members.map(([name, value]) => [lettersOf(name), value] as const);
  return new Map(named.filter(([name]) => names.includes(name)));
}

function faultsIn(list: Json, depth: number): IteratorObject<string> {
  return list.elements().flatMap((entry) => {
    const sentence = sentenceIn(entry, SENTENCES.refusal, depth + 1);
    if (sentence === null) return [];
    const place = entry.isObject ? placeIn(entry) : '';
    return [place === '' ? sentence : `${place}: ${sentence}`];
  });
}

function fieldFaultsIn(object: Json, depth: number): IteratorObject<string> {
  const never: Names = SENTENCES.never;
  const members = object.members().take(MEMBERS_MAX);
  return members.flatMap(([name, value]) => {
    const isList = value.isArray && !never.includes(lettersOf(name));
    const sentence = isList ? sentenceIn(value, [], depth + 1) : null;
    return sentence === null ? [] : [`${name}: ${sentence}`];
  });
}

/** `["body", "messages", 0]` is `messages.0`. */
function placeIn(entry: Json): string {
  const members = picked(entry, SENTENCES.place);
  for (const name of SENTENCES.place) {
    const value = members.get(name)?.value;
    if (typeof value === 'string') return value;
    // An object in it could not even be made text of.
    const isStep = (part: unknown) => typeof part !== 'object' && part !== 'body';
    if (Array.isArray(value)) return value.filter(isStep).join('.');
  }
  return '';
}

function joined(faults: IteratorObject<string>): string | null {
  return [...faults.take(FAULTS_MAX)].join('; ') || null;
}

/** A code, such as `bad_request`, says less than a sentence, and more than a repetition of the status line. */
function weightOf(sentence: string): number {
  if (isOneOf(EMPTY_SENTENCES, sentence)) return 0;
  return /\s/.test(sentence) ? 2 : 1;
}

export function isOneOf(patterns: readonly RegExp[], sentence: string): boolean {
  const said = sentence.slice(0, WEIGHED_MAX_LENGTH).replace(/[\s.!]+$/, '');
  return patterns.some((pattern) => pattern.test(said));
}

/** One line of plain text, not too long; null if it gives the key away. */
export function plain(sentence: string | null, apiKey: string): string | null {
  if (sentence === null || quotesKey(sentence, apiKey)) return null;
  const line = sentence.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line === '' ? null : line.slice(0, SENTENCE_MAX_LENGTH).toWellFormed();
}

/** In any spelling: escaped, encoded, in other letters, spaced out. */
function quotesKey(sentence: string, apiKey: string): boolean {
  const letters = (text: string) => lettersOf(text.normalize('NFKC'));
  const texts = [sentence, unescaped(sentence), unescaped(unescaped(sentence))].map(letters);
  // In base64, the letters depend on how many bytes precede them.
  const inBase64 = [0, 1, 2].map((shift) => {
    const bytes = Buffer.from(apiKey.padStart(apiKey.length + shift));
    return bytes.toString('base64').slice(shift && shift + 1, Math.floor((bytes.length * 4) / 3));
  });
  const keys = [apiKey, Buffer.from(apiKey).toString('hex'), ...inBase64];
  const spelled = keys.map(letters).filter((key) => key !== '');
  return texts.some((text) => spelled.some((key) => text.includes(key)));
}

const ESCAPES =
  /\\u([\da-f]{4})|(?:\\x|[%=])([\da-f]{2})|(?:\\u\{|&#x)([\da-f]{1,6})[;}]|&#(\d{1,7});|&[a-z]+;/gi;

function unescaped(sentence: string): string {
  return sentence.replace(ESCAPES, (_all, four, two, some, decimal) => {
    const code = decimal ? Number(decimal) : Number.parseInt(four ?? two ?? some, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}
