import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';

export type Row = ReturnType<typeof unmarshall>;
export type Rows = ReturnType<typeof createRows>;

/** What a write does and on which condition; `values` are those of its expressions. */
export interface Terms {
  UpdateExpression?: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  values?: Row;
}

/** What a query of an index looks for, by a condition on its keys. */
type Query = Pick<QueryCommandInput, 'IndexName' | 'KeyConditionExpression' | 'Limit' | 'ScanIndexForward'> &
  Omit<Terms, 'ConditionExpression'>;

const termsOf = <T extends Terms>({ values, ...terms }: T) => ({
  ...terms,
  ...(values && { ExpressionAttributeValues: marshall(values) }),
});

/** The rows of a table, by default of the jobs' table. Reads that are not consistent have half the price. */
export function createRows(
  client: Pick<DynamoDBClient, 'send'>,
  TableName: string,
  key = 'jobId',
  isConsistent = true,
) {
  const at = (id: string) => ({ TableName, Key: marshall({ [key]: id }) });

  async function get(id: string, ConsistentRead = isConsistent): Promise<Row | null> {
    const { Item } = await client.send(new GetItemCommand({ ...at(id), ConsistentRead }));
    return Item ? unmarshall(Item) : null;
  }
  /** @returns the row as it is then */
  async function update(id: string, terms: Terms): Promise<Row> {
    const update = { ...at(id), ...termsOf(terms), ReturnValues: 'ALL_NEW' } as const;
    const { Attributes = {} } = await client.send(new UpdateItemCommand(update));
    return unmarshall(Attributes);
  }
  async function query(terms: Query): Promise<Row[]> {
    const { Items = [] } = await client.send(new QueryCommand({ TableName, ...termsOf(terms) }));
    return Items.map((item) => unmarshall(item));
  }

  return {
    get,
    update,
    query,

    /** Whether a write took place: the SDK repeats one whose answer was lost, and `writeId` says that it meets its own. */
    async isDone(write: Promise<unknown>, id: string, writeId: string): Promise<boolean> {
      return (await succeeded(write)) || (await get(id))?.['writeId'] === writeId;
    },

    put: (row: object, terms: Terms = {}) =>
      client.send(new PutItemCommand({ TableName, Item: marshall(row), ...termsOf(terms) })),

    remove: (id: string, terms: Terms = {}) =>
      client.send(new DeleteItemCommand({ ...at(id), ...termsOf(terms) })),

    /** The number after the last one that was given out, but above `floor`; until `ttl`, nobody else gets it. */
    async nextNumber(id: string, floor: number, ttl: number): Promise<number> {
      for (;;) {
        const { turn } = await update(id, {
          UpdateExpression: 'SET #ttl = :ttl ADD turn :one',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          values: { ':ttl': ttl, ':one': 1 },
        });
        if (Number(turn) > floor) return Number(turn);
        const raise = update(id, {
          UpdateExpression: 'SET turn = :next',
          ConditionExpression: 'turn <= :floor',
          values: { ':next': floor + 1, ':floor': floor },
        });
        if (await succeeded(raise)) return floor + 1;
      }
    },

    /** The first rows of a part of the index `queue`, which has only keys. */
    async inQueue(name: string, lastPlace: string, Limit: number) {
      const rows = await query({
        IndexName: 'queue',
        KeyConditionExpression: 'queueName = :name AND queuePlace <= :last',
        values: { ':name': name, ':last': lastPlace },
        Limit,
      });
      return rows as { jobId: string; queuePlace: string }[];
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
