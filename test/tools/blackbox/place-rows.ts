import { DynamoDBClient, ListTablesCommand, paginateScan } from '@aws-sdk/client-dynamodb';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import type { Line } from './system.ts';

/** The keys of the rows that say which places are taken. */
export async function placeRows({ aws }: Line): Promise<string[]> {
  const client = new DynamoDBClient(clientSettings(aws.dynamodb));
  const { TableNames = [] } = await client.send(new ListTablesCommand({}));
  const keys: string[] = [];
  for (const TableName of TableNames)
    for await (const { Items = [] } of paginateScan({ client }, { TableName }))
      keys.push(...Items.map(({ jobId }) => jobId?.S ?? ''));
  client.destroy();
  return keys.filter((key) => key.startsWith('place/')).sort();
}
