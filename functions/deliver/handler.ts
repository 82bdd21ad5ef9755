import { readDeliverMessage } from '../core/messages.ts';
import { withDestinations } from '../edge/destinations.ts';
import { lambdaSqs } from '../edge/lambda-sqs.ts';
import { createRootSecrets, newSecretsClient } from '../edge/secrets.ts';
import { destinations, required, webhookRules } from '../edge/settings.ts';
import { clock } from '../edge/system.ts';
import { createCredentials } from '../edge/webhook-credentials.ts';
import { assertSsrfProtection, createWebhooks } from '../edge/webhooks.ts';
import { comeAgainFrom, dynamodb, finishWorld, lanes } from '../edge/world.ts';
import { deliver } from './deliver.ts';

const secretsManager = newSecretsClient();
const rootSecrets = createRootSecrets(required('WEBHOOK_SECRET_ARN'), secretsManager);
const names = { clientKeysTable: required('CLIENT_KEYS_TABLE'), stackName: required('SERVICE_NAME') };
const credentialsOf = createCredentials(rootSecrets, secretsManager, dynamodb, names);
const ports = { ...finishWorld(), lanes: lanes() };
const urls = createWebhooks({ rules: webhookRules(), credentialsOf, clock, lanes: ports.lanes });
const webhooks = withDestinations(urls, destinations(), async () => {
  const { createSendTo } = await import('#destinations');
  return createSendTo(credentialsOf, clock);
});
const world = { ...ports, webhooks };

const guardInForce = assertSsrfProtection();

export const handler = lambdaSqs(
  readDeliverMessage,
  async (message) => {
    await guardInForce;
    return deliver(message, world);
  },
  comeAgainFrom(required('DELIVER_QUEUE_URL')),
);
