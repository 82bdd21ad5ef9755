import { expect, it } from 'vitest';
import { narrate } from '../../../tools/local/narrate.ts';

it.each(['no_key', 'unknown_key', 'revoked_key'])(
  'a request that is refused is printed as refused: %s',
  (outcome) => {
    const line = narrate({ level: 'DEBUG', message: 'authorize', outcome });
    expect(line).toBe(`authorize 401, ${outcome.replace('_', ' ')}`);
  },
);

it.each<[object, string]>([
  [{ message: 'submit', outcome: 'queued', model_id: 'm' }, 'submit  m waits for ModelStudio: job_1'],
  [{ message: 'create', outcome: 'created', model_id: 'm' }, 'create  ModelStudio takes job_1'],
  [{ message: 'create', outcome: 'unavailable', model_id: 'm' }, 'create  unavailable: job_1'],
  [{ message: 'create', outcome: 'unknown', cause: 'timeout' }, 'create  timeout: job_1'],
])('a line about a queued job is printed in a few words: %j', (facts, expected) => {
  expect(narrate({ level: 'INFO', message: '', job_id: 'job_1', ...facts })).toBe(expected);
});

it('a pass through the queue is printed in a few words', () => {
  const facts = { outcome: 'drained', answered: 3, refused: 1 };
  const line = narrate({ level: 'INFO', message: 'create', ...facts });
  expect(line).toBe('create  ModelStudio has answered 3 of the queued jobs and refused 1');
});
