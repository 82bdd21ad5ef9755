import { Readable } from 'node:stream';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';

const CALLS = 1500;
const ROW_ATTRIBUTES = 22;

/** CPU milliseconds of the SDK for one call: it writes, signs and reads, and the answer is there at once. */
export async function measureSdk(): Promise<{ dynamodb: number; sqs: number }> {
  const Item = Object.fromEntries(
    Array.from({ length: ROW_ATTRIBUTES }, (_, i) => [`attribute${i}`, { S: 'x'.repeat(20) }]),
  );
  const put = new PutItemCommand({ TableName: 'jobs', Item });
  const Entries = [{ Id: '0', MessageBody: 'x'.repeat(250), DelaySeconds: 5 }];
  const send = new SendMessageBatchCommand({
    QueueUrl: 'https://sqs.us-east-1.amazonaws.com/1/poll',
    Entries,
  });
  const dynamodb = new DynamoDBClient(answeringWith('{}'));
  const sqs = new SQSClient(answeringWith('{"Successful":[{"Id":"0","MessageId":"m"}],"Failed":[]}'));
  return {
    dynamodb: await millisOf(() => dynamodb.send(put)),
    sqs: await millisOf(() => sqs.send(send)),
  };
}

function answeringWith(body: string) {
  const handle = async () => ({
    response: {
      statusCode: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: Readable.from([Buffer.from(body)]),
    },
  });
  return {
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    // Its checksum of an answer is of the message's body, which this one does not know.
    md5: false as const,
    requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } },
  };
}

async function millisOf(call: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < CALLS; i++) await call();
  const before = process.threadCpuUsage();
  for (let i = 0; i < CALLS; i++) await call();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000 / CALLS;
}
