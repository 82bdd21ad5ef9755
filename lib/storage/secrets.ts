import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Secret, type SecretProps } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/** As many random letters and digits as make 33 bytes of base64. */
const SIGNING_SECRET_LENGTH = 44;

/** Submit, poll and collect have it in their environment, and so may read it. */
export function modelStudioKey(scope: Construct, removalPolicy: RemovalPolicy): Secret {
  const description = 'API key of ModelStudio. Put yours in after the first deploy.';
  const byHand = 'ModelStudio issues the key, so only a person can rotate it.';
  return secret(scope, 'ModelStudioApiKey', { description, removalPolicy }, byHand);
}

/** Deliver alone has it in its environment, and so may read it. */
export function webhookSecret(scope: Construct, removalPolicy: RemovalPolicy): Secret {
  const description = 'Signs webhooks: "whsec_" and base64. The prefix may be left out.';
  const generateSecretString = { passwordLength: SIGNING_SECRET_LENGTH, excludePunctuation: true };
  const byHand =
    "A rotation that the receivers do not know of ends in webhooks that they refuse: it is a person's step.";
  return secret(scope, 'WebhookSecret', { description, generateSecretString, removalPolicy }, byHand);
}

/** @param byHand why it is not rotated automatically */
function secret(scope: Construct, id: string, props: SecretProps, byHand: string): Secret {
  const created = new Secret(scope, id, props);
  Validations.of(created).acknowledge({ id: 'AwsSolutions-SMG4', reason: byHand });
  return created;
}
