import { type RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/** As many random letters and digits as make 33 bytes of base64. */
const SIGNING_SECRET_LENGTH = 44;

interface SecretProps {
  removalPolicy: RemovalPolicy;
}

/** Submit, poll and collect have it in their environment, and so may read it. */
export class ModelStudioKey extends Secret {
  constructor(scope: Construct, id: string, props: SecretProps) {
    super(scope, id, {
      ...props,
      description: 'API key of ModelStudio. Put yours in after the first deploy.',
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'ModelStudio issues the key, so only a person can rotate it.',
    });
  }
}

/** Deliver alone has it in its environment, and so may read it. */
export class WebhookSecret extends Secret {
  constructor(scope: Construct, id: string, props: SecretProps) {
    super(scope, id, {
      ...props,
      description: 'Signs webhooks: "whsec_" and base64. The prefix may be left out.',
      generateSecretString: { passwordLength: SIGNING_SECRET_LENGTH, excludePunctuation: true },
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        "A rotation that the receivers do not know of ends in webhooks that they refuse: it is a person's step.",
    });
  }
}
