import { expect, it } from 'vitest';
import { parseArguments } from '../../../tools/commands/arguments.ts';

const options = {
  name: { type: 'string' },
  set: { type: 'string', multiple: true },
  clear: { type: 'boolean', short: 'c' },
} as const;
const parse = (args: string[], allowPositionals = false) =>
  parseArguments({ args, options, allowPositionals });

it('flags have values, and some of them more than one', () => {
  const args = ['headers', '--name', 'a', '--set=b', '--set', 'c', '--clear', '-c'];
  const { values, positionals } = parse(args, true);
  expect({ ...values }).toEqual({ name: 'a', set: ['b', 'c'], clear: true });
  expect(positionals).toEqual(['headers']);
});

it.each([
  [['--name', 'a', '--name', 'b'], '--name is given more than once'],
  [['--name=a', '--set', 'b', '--name=a'], '--name is given more than once'],
  [['--nmae', 'a'], "Unknown option '--nmae'"],
  [['-x'], "Unknown option '-x'"],
  [['--clear=canary'], "Option '-c, --clear' does not take an argument"],
])('the flags %j are refused', (args, sentence) => {
  for (const hasArguments of [true, false])
    expect(() => parse(args, hasArguments)).toThrow(new Error(sentence));
});

it.each([['canary'], ['x-a: canary'], ['--canary7'], ['--x-a: canary'], ['-7canary'], ['--', '--canary']])(
  'what may be a secret is not quoted: %j',
  (...args) => {
    expect(() => parse(args)).toThrow(/^Un(expected argument: there are only flags here|known option)$/);
  },
);
