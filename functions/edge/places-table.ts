import { type DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Clock, Places } from '../ports.ts';
import { succeeded } from './jobs-table.ts';

/** Where the index `queue` has the places that are free. */
const FREE = 'free';
const LISTED_MAX = 10;

const rowOf = (number: number) => `place/${number}`;
const freeRow = (number: number) => ({
  jobId: rowOf(number),
  queueName: FREE,
  queuePlace: padded(number),
});
const padded = (number: number) => String(number).padStart(4, '0');

/** Rows in the jobs' table, one for each place. A job costs the same, however many there are. */
export function createPlaces(client: DynamoDBClient, tableName: string, count: number, clock: Clock): Places {
  const put = (item: object, ConditionExpression: string, token?: string) => {
    const write = new PutItemCommand({
      TableName: tableName,
      Item: marshall(item),
      ConditionExpression,
      // A word that DynamoDB has reserved.
      ExpressionAttributeNames: { '#token': 'token' },
      ...(token && { ExpressionAttributeValues: { ':token': { S: token } } }),
    });
    return succeeded(client.send(write));
  };

  return {
    count,
    async free() {
      const query = new QueryCommand({
        TableName: tableName,
        IndexName: 'queue',
        KeyConditionExpression: 'queueName = :free AND queuePlace <= :last',
        ExpressionAttributeValues: marshall({ ':free': FREE, ':last': padded(count) }),
        Limit: LISTED_MAX,
      });
      const { Items = [] } = await client.send(query);
      return Items.map(({ queuePlace }) => Number(queuePlace?.S));
    },
    async find(number) {
      const Key = { jobId: { S: rowOf(number) } };
      const get = new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true });
      const { token, takenBy, takenAt } = unmarshall((await client.send(get)).Item ?? {});
      return token === undefined ? null : { number, token, jobId: takenBy, takenAt };
    },
    take({ number, token }, takenBy) {
      const item = { jobId: rowOf(number), token, takenBy, takenAt: clock.now() };
      // The SDK repeats a write whose answer was lost, and then finds its own.
      return put(item, 'attribute_not_exists(#token) OR #token = :token', token);
    },
    async release({ number, token }) {
      await put(freeRow(number), '#token = :token', token);
    },
    async list(number) {
      await put(freeRow(number), 'attribute_not_exists(#token)');
    },
  };
}
