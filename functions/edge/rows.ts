import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

export type Row = ReturnType<typeof unmarshall>;

/** What a write does and on which condition; `values` are those of its expressions. */
export interface Terms {
  UpdateExpression?: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  values?: Row;
}

export const keyOf = (jobId: string) => ({ jobId: { S: jobId } });
export const termsOf = ({ values, ...terms }: Terms) => ({
  ...terms,
  ...(values && { ExpressionAttributeValues: marshall(values) }),
});

/** The rows of the jobs' table, most of which are jobs. */
export function createRows(client: DynamoDBClient, TableName: string) {
  async function get(jobId: string): Promise<Row | null> {
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: keyOf(jobId), ConsistentRead: true }),
    );
    return Item ? unmarshall(Item) : null;
  }
  /** @returns the row as it is then */
  async function update(jobId: string, terms: Terms): Promise<Row> {
    const update = { TableName, Key: keyOf(jobId), ...termsOf(terms), ReturnValues: 'ALL_NEW' } as const;
    const { Attributes = {} } = await client.send(new UpdateItemCommand(update));
    return unmarshall(Attributes);
  }

  return {
    get,
    update,

    /** Whether a write took place: the SDK repeats one whose answer was lost, and `writeId` says that it meets its own. */
    async isDone(write: Promise<unknown>, jobId: string, writeId: string): Promise<boolean> {
      return (await succeeded(write)) || (await get(jobId))?.['writeId'] === writeId;
    },

    put: (row: object, terms: Terms) =>
      client.send(new PutItemCommand({ TableName, Item: marshall(row), ...termsOf(terms) })),

    remove: (jobId: string, terms: Terms) =>
      client.send(new DeleteItemCommand({ TableName, Key: keyOf(jobId), ...termsOf(terms) })),

    /** The number after the last one that was given out, but above `floor`; until `ttl`, nobody else gets it. */
    async nextNumber(jobId: string, floor: number, ttl: number): Promise<number> {
      for (;;) {
        const { turn } = await update(jobId, {
          UpdateExpression: 'SET #ttl = :ttl ADD turn :one',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          values: { ':ttl': ttl, ':one': 1 },
        });
        if (Number(turn) > floor) return Number(turn);
        const raise = update(jobId, {
          UpdateExpression: 'SET turn = :next',
          ConditionExpression: 'turn <= :floor',
          values: { ':next': floor + 1, ':floor': floor },
        });
        if (await succeeded(raise)) return floor + 1;
      }
    },

    /** The first rows of a part of the index `queue`, which has only keys. */
    async inQueue(name: string, lastPlace: string, Limit: number) {
      const query = new QueryCommand({
        TableName,
        IndexName: 'queue',
        KeyConditionExpression: 'queueName = :name AND queuePlace <= :last',
        ExpressionAttributeValues: marshall({ ':name': name, ':last': lastPlace }),
        Limit,
      });
      const { Items = [] } = await client.send(query);
      return Items.map((item) => unmarshall(item) as { jobId: string; queuePlace: string });
    },
  };
}

/** Whether the condition of a write was met. */
export function succeeded(write: Promise<unknown>): Promise<boolean> {
  return write.then(
    () => true,
    (error) => {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    },
  );
}
