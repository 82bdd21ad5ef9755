import { DeliverMessage } from '../core/messages.ts';
import { required } from '../edge/environment.ts';
import { lambdaSqs } from '../edge/lambda-sqs.ts';
import { createSigningSecrets } from '../edge/secrets.ts';
import { webhookRules } from '../edge/settings.ts';
import { clock } from '../edge/system.ts';
import { assertSsrfProtection, createWebhooks } from '../edge/webhooks.ts';
import { comeAgainFrom, finishWorld } from '../edge/world.ts';
import { deliver } from './deliver.ts';

const signingSecrets = createSigningSecrets(required('WEBHOOK_SECRET_ARN'));
const webhooks = createWebhooks({ rules: webhookRules(), signingSecrets, clock });
const world = { ...finishWorld(), webhooks };

const guardInForce = assertSsrfProtection();

export const handler = lambdaSqs(
  (body) => DeliverMessage.parse(body),
  async (message) => {
    await guardInForce;
    return deliver(message, world);
  },
  comeAgainFrom(required('DELIVER_QUEUE_URL')),
);
