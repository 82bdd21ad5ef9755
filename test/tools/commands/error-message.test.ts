import { expect, it } from 'vitest';
import { messageOf } from '../../../tools/commands/error-message.ts';

const fault = (message: string, more: object) => Object.assign(new Error(message), more);

it.each([
  ['ECONNREFUSED 127.0.0.1:1', { code: 'ECONNREFUSED' }, 'There is no connection: ECONNREFUSED 127.0.0.1:1.'],
  ['write EPIPE', { code: 'EPIPE', syscall: 'write' }, 'There is no connection: write EPIPE.'],
  ["ENOENT, open 'a'", { code: 'ENOENT', path: 'a' }, "A file cannot be read or written: ENOENT, open 'a'."],
  ['ENOSPC, write', { code: 'ENOSPC', syscall: 'write' }, 'A file cannot be read or written: ENOSPC, write.'],
])('%s', (message, more, sentence) => {
  expect(messageOf(fault(message, more))).toBe(sentence);
  expect(messageOf(fault('fetch failed', { cause: fault(message, more) }))).toBe(sentence);
});
