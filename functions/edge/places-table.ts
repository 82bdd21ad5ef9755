import type { Clock, Places } from '../ports.ts';
import { type Rows, succeeded } from './rows.ts';

/** Where the index `queue` has the places that are free. */
const FREE = 'free';
const LISTED_MAX = 10;

const padded = (number: number) => String(number).padStart(4, '0');
const rowOf = (number: number) => ({ jobId: `place/${number}` });
const freeRow = (number: number) => ({ ...rowOf(number), queueName: FREE, queuePlace: padded(number) });

/** Rows in the jobs' table, one for each place. A job costs the same, however many there are. */
export function createPlaces(rows: Rows, count: number, clock: Clock): Places {
  const put = (row: object, ConditionExpression: string, token?: string) => {
    // A word that DynamoDB has reserved.
    const ExpressionAttributeNames = { '#token': 'token' };
    const values = token === undefined ? undefined : { ':token': token };
    return succeeded(rows.put(row, { ConditionExpression, ExpressionAttributeNames, values }));
  };
  return {
    count,
    async free() {
      const listed = await rows.inQueue(FREE, padded(count), LISTED_MAX);
      return listed.map(({ queuePlace }) => Number(queuePlace));
    },
    async find(number) {
      const { token, takenBy, takenAt } = (await rows.get(rowOf(number).jobId)) ?? {};
      return token === undefined ? null : { number, token, jobId: takenBy, takenAt };
    },
    take({ number, token }, takenBy) {
      const row = { ...rowOf(number), token, takenBy, takenAt: clock.now() };
      // The SDK repeats a write whose answer was lost, and then finds its own.
      return put(row, 'attribute_not_exists(#token) OR #token = :token', token);
    },
    async release({ number, token }) {
      await put(freeRow(number), '#token = :token', token);
    },
    async list(number) {
      await put(freeRow(number), 'attribute_not_exists(#token)');
    },
  };
}
