import { createHmac, timingSafeEqual } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';

const { INBOX_TABLE, WEBHOOK_SECRET = '' } = process.env;
/** An event is tried for about a day, and may be sent again by hand for as long as its job is kept. */
const REMEMBERED_SECONDS = 30 * 24 * 3600;
const TOLERANCE_SECONDS = 300;

const dynamodb = new DynamoDBClient();

/** Only the messages that failed come again, and after ten times move to the dead-letter queue. */
export async function handler({ Records }) {
  const taken = await Promise.allSettled(Records.map(take));
  const failed = Records.filter((_, index) => taken[index].status === 'rejected');
  for (const { status, reason } of taken) if (status === 'rejected') console.error(reason);
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

async function take({ body, messageAttributes, attributes }) {
  const textOf = (name) => messageAttributes[name]?.stringValue ?? '';
  const [id, timestamp] = [textOf('webhook-id'), textOf('webhook-timestamp')];
  // It may have waited in the queue, so its age is judged as of when it was sent.
  const age = Math.abs(Number(attributes.SentTimestamp) / 1000 - Number(timestamp));
  const isGenuine =
    age < TOLERANCE_SECONDS && isSigned(`${id}.${timestamp}.${body}`, textOf('webhook-signature'));
  // Without a secret, IAM alone says who has sent it: nobody else may be allowed to send to the queue.
  if (WEBHOOK_SECRET !== '' && !isGenuine) throw new Error('The signature is wrong');
  await storeOnce(id, body);
}

/** While the secret is being rotated, there are two signatures. */
function isSigned(content, signatures) {
  const key = Buffer.from(WEBHOOK_SECRET.replace(/^whsec_/, ''), 'base64');
  const right = createHmac('sha256', key).update(content).digest();
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === right.length && timingSafeEqual(given, right);
  });
}

/** The first to come is stored, and so handed on to the table's stream; a repeat changes nothing. */
async function storeOnce(webhookId, body) {
  const expiresAt = Math.floor(Date.now() / 1000) + REMEMBERED_SECONDS;
  const write = new PutItemCommand({
    TableName: INBOX_TABLE,
    Item: { webhook_id: { S: webhookId }, body: { S: body }, expires_at: { N: String(expiresAt) } },
    ConditionExpression: 'attribute_not_exists(webhook_id)',
  });
  await dynamodb.send(write).catch((error) => {
    if (error.name !== 'ConditionalCheckFailedException') throw error;
  });
}
