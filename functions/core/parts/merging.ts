import { Json } from '../json/scan.ts';

/** A conversation's place among all, and how often it was given to ModelStudio, if that was more than once. */
interface Ours {
  task_index: number;
  attempts?: number;
}

/** A result with these members in place of its own; all else keeps its bytes. */
export function withOurs(result: Json, ours: Ours): string {
  let text = '';
  let at = result.from;
  const left = new Map<string, number>(Object.entries(ours));
  for (const [name, value] of result.members()) {
    const own = ours[name as keyof Ours];
    if (own === undefined) continue;
    text += `${result.bytes.toString('utf8', at, value.from)}${own}`;
    at = value.to;
    left.delete(name);
  }
  text += result.bytes.toString('utf8', at, result.to - 1);
  const isEmpty = /^\{\s*$/.test(text);
  const more = [...left].map(([name, value], i) => `${isEmpty && i === 0 ? '' : ','}"${name}":${value}`);
  return `${text}${more.join('')}}`;
}

/** The same on one line. A string of JSON holds no line breaks. */
export const onOneLine = (json: string): string => json.replace(/[\r\n]/g, ' ');

/** The entries of an array, one a line. */
export function* linesIn(array: string): Generator<string> {
  for (const entry of new Json(Buffer.from(array)).elements()) yield `${onOneLine(entry.text)}\n`;
}
