import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { Webhook } from 'standardwebhooks';

const { INBOX_TABLE, WEBHOOK_SECRET = '' } = process.env;
/** A webhook is tried for about a day, and may be sent again by hand for as long as its job is kept. */
const REMEMBERED_SECONDS = 30 * 24 * 3600;

const webhook = new Webhook(WEBHOOK_SECRET);
const dynamodb = new DynamoDBClient();

export async function handler({ headers, body = '', isBase64Encoded }) {
  const raw = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body;
  if (!isGenuine(raw, headers)) return { statusCode: 400 };
  await storeOnce(headers['webhook-id'], raw);
  return { statusCode: 204 };
}

/** And not empty, as what is signed can be. */
function isGenuine(raw, headers) {
  try {
    return webhook.verify(raw, headers) !== undefined;
  } catch {
    return false;
  }
}

/** The first to come is stored, and so handed on to the table's stream; a repeat changes nothing. */
async function storeOnce(webhookId, raw) {
  const expiresAt = Math.floor(Date.now() / 1000) + REMEMBERED_SECONDS;
  const write = new PutItemCommand({
    TableName: INBOX_TABLE,
    Item: { webhook_id: { S: webhookId }, body: { S: raw }, expires_at: { N: String(expiresAt) } },
    ConditionExpression: 'attribute_not_exists(webhook_id)',
  });
  await dynamodb.send(write).catch((error) => {
    // Anything else is a 5xx, and the webhook comes again.
    if (error.name !== 'ConditionalCheckFailedException') throw error;
  });
}
