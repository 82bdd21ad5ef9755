import { describe, expect, it } from 'vitest';
import { whyNotJson } from '../../functions/core/json/text.ts';

/** In the 1800 lines of a data set, say. */
const far = (line: string) => `{\n${'  "a": "b",\n'.repeat(1798)}${line}\n}`;

describe('a text that is not JSON', () => {
  it.each<[text: string, where: string, what: string]>([
    ['\ufeff{}', 'line 1, column 1', 'a byte order mark'],
    ['<!DOCTYPE html><html></html>', 'line 1, column 1', 'HTML or XML'],
    ['<?xml version="1.0"?>', 'line 1, column 1', 'HTML or XML'],

    ['{"a": NaN}', 'line 1, column 7', 'NaN'],
    ['[1,\n nan]', 'line 2, column 2', 'nan'],
    ['[-Infinity]', 'line 1, column 2', '-Infinity'],
    ['{"a": None}', 'line 1, column 7', 'None'],
    ['{"a": True}', 'line 1, column 7', 'True'],
    ['{"a": FALSE}', 'line 1, column 7', 'FALSE'],
    ['{"a": undefined}', 'line 1, column 7', 'undefined'],
    ['undefined', 'line 1, column 1', 'undefined'],
    ['{"a": nil}', 'line 1, column 7', 'nil'],
    [far('  "c": NaN'), 'line 1800, column 8', 'NaN'],
    [far('  "c": None'), 'line 1800, column 8', 'None'],

    ["{'a': 1}", 'line 1, column 2', 'a single quote'],
    [far(`  "c": 'd'`), 'line 1800, column 8', 'a single quote'],
    ['{a: 1}', 'line 1, column 2', 'a word without double quotes'],
    ['{"a": b}', 'line 1, column 7', 'a word without double quotes'],
    ['{"a": ünï}', 'line 1, column 7', 'a word without double quotes'],
    ['model_id=m&messages=x', 'line 1, column 1', 'a word without double quotes'],
    ['[object Object]', 'line 1, column 2', 'a word without double quotes'],
    ['{\\"a\\": 1}', 'line 1, column 2', 'a backslash that begins no escape of JSON'],
    ['{“a”: 1}', 'line 1, column 2', 'something that does not belong there'],
    ['{"a":\u00a01}', 'line 1, column 6', 'something that does not belong there'],

    ['{"a": +5}', 'line 1, column 7', 'a leading + before a number'],
    ['{"a": .5}', 'line 1, column 7', 'a leading . before a number'],
    ['{"a": 5.}', 'line 1, column 7', 'a number in a form that is not JSON'],
    ['{"a": 05}', 'line 1, column 7', 'a number in a form that is not JSON'],
    ['{"a": -.5}', 'line 1, column 7', 'a number in a form that is not JSON'],
    ['{"a": 0x10}', 'line 1, column 7', 'a number in a form that is not JSON'],
    ['{"a": 1_000}', 'line 1, column 7', 'a number in a form that is not JSON'],

    ['{"a": 1,}', 'line 1, column 9', 'a closing bracket right after a comma'],
    ['{\r\n  "a": [1,\r\n  ]\r\n}', 'line 3, column 3', 'a closing bracket right after a comma'],
    ['[1,,2]', 'line 1, column 4', 'a comma too many'],
    ['{"a": 1 // one\n}', 'line 1, column 9', 'a comment'],
    ['{"a": 1, /* one */ "b": 2}', 'line 1, column 10', 'a comment'],
    ['# one\n{}', 'line 1, column 1', 'a comment'],

    ['{"a": 1 "b": 2}', 'line 1, column 9', 'a value where none belongs'],
    ['[1 2]', 'line 1, column 4', 'a value where none belongs'],
    ['{1: 2}', 'line 1, column 2', 'a value where none belongs'],
    ['{}{}', 'line 1, column 3', 'a value where none belongs'],
    ['{"a"}', 'line 1, column 5', 'something that does not belong there'],
    ['{"a": [1}', 'line 1, column 9', 'something that does not belong there'],
    ['{};', 'line 1, column 3', 'something that does not belong there'],

    ['{"a": "b\nc"}', 'line 1, column 9', 'a line break inside a string'],
    ['{"a": "b\tc"}', 'line 1, column 9', 'a control character'],
    ['{"a": "C:\\dir"}', 'line 1, column 10', 'a backslash that begins no escape of JSON'],
    ['{"a": "\\\\\\u12x4"}', 'line 1, column 10', 'a backslash that begins no escape of JSON'],
    ['{\u0000"\u0000', 'line 1, column 2', 'a control character'],
  ])('is reported with the place and the reason: row %# of the table', (text, where, what) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(whyNotJson(Buffer.from(text))).toBe(`The body is not valid JSON: ${where} has ${what}.`);
  });

  it.each<[text: string, where: string]>([
    ['{"a":', 'line 1, column 6'],
    ['{"a": [1, {"b": "c"}', 'line 1, column 21'],
    ['{\n  "a": "b', 'line 2, column 10'],
    ['["a\\', 'line 1, column 4'],
  ])('is reported with the place where it ends too early: %s', (text, where) => {
    const sentence = whyNotJson(Buffer.from(text));
    if (text.endsWith('\\')) return expect(sentence).toContain(`${where} has a backslash`);
    expect(sentence).toBe(`The body is not valid JSON: it ends too early, at ${where}.`);
  });

  it('is quoted in the message by one word at most', () => {
    const text = '{"prompt": "canary-1", "b": canary-2, "c": "canary-3"}';
    expect(whyNotJson(Buffer.from(text))).not.toContain('canary');
  });

  const MANY = 4 * 1024 * 1024 - 16;
  it.each<[what: string, text: string]>([
    ['2 M numbers', `[${'1,'.repeat(MANY / 2)}x`],
    ['2 M escapes', `"${'\\\\'.repeat(MANY / 2)}`],
    ['4 M line breaks', `${'\n'.repeat(MANY)}x`],
    ['4 M blanks after a comma', `[1,${' '.repeat(MANY)}]`],
    ['240 000 open objects', '{"a":'.repeat(240_000)],
  ])('is read to its end in one pass, whatever it holds: %s', (_what, text) => {
    expect(whyNotJson(Buffer.from(text))).toMatch(/^The body is not valid JSON: /);
  });
});
