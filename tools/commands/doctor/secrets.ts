import { randomUUID } from 'node:crypto';
import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { saysWhatIsMissing } from '../../../functions/core/upstream/read-answer.ts';
import { isRootSecret } from '../../../functions/core/webhook/signature.ts';
import { exchange } from '../../../functions/edge/exchange.ts';
import { headers, jobUrl } from '../../../functions/edge/modelstudio.ts';
import type { Target } from '../target.ts';
import { type CheckResult, failed, ok } from './result.ts';

const DEADLINE_MILLIS = 10_000;
const ANSWER_MAX_BYTES = 64 * 1024;

/** Asks ModelStudio about a job that does not exist: only a valid key gets that answer. Nothing is billed. */
export async function modelStudioKey(target: Target): Promise<CheckResult> {
  const SecretId = target.outputs.ModelStudioSecretArn;
  const key = await secretOf(target, SecretId);
  const account = await target.modelStudio();
  const { baseUrl, organizationId } = account;
  const putYours = target.deployment
    ? `aws secretsmanager put-secret-value --secret-id ${SecretId} --secret-string YOUR_MODELSTUDIO_KEY`
    : 'Start it with the MODELSTUDIO_API_KEY of that organization.';
  if (!/^[!-~]+$/.test(key)) return failed('it is empty, or has characters that no key has', putYours);

  const outcome = await exchange({
    method: 'GET',
    // Some services refuse an invalid id before they check the key.
    url: jobUrl(account, randomUUID()),
    headers: headers(key),
    deadlineMillis: DEADLINE_MILLIS,
    maxBytes: ANSWER_MAX_BYTES,
  });
  if (outcome.kind !== 'answered') {
    const reason = outcome.kind === 'timeout' ? 'timeout' : outcome.code;
    return failed(
      `${baseUrl} does not answer: ${reason}`,
      'Look at the setting baseUrl, and at the network here.',
    );
  }
  const { status, body } = outcome;
  if (status === 404 && saysWhatIsMissing(body, key))
    return ok(`${baseUrl} accepts it for ${organizationId}`);
  if (status === 404) {
    return failed(
      `${baseUrl} answers 404 as any web server does, without a word of the job that was asked about`,
      'Look at the setting baseUrl: it seems to be another address than the API of ModelStudio.',
    );
  }
  if (status === 401 || status === 403) {
    if (await isAsGenerated(target, SecretId)) {
      return failed('it still is the random value that the deployment put there', putYours);
    }
    const forWhom = status === 403 ? ` for the organization ${organizationId}` : '';
    return failed(`${baseUrl} refuses it${forWhom}: ${status}`, putYours);
  }
  return failed(
    `${baseUrl} answers ${status} about a job that does not exist`,
    'Look at the setting baseUrl; or ModelStudio has trouble: try again later.',
  );
}

/** CloudFormation makes up the first value; the value that is put over it makes that one AWSPREVIOUS. */
async function isAsGenerated({ clients, deployment }: Target, SecretId: string): Promise<boolean> {
  if (!deployment) return false;
  const { VersionIdsToStages = {} } = await clients.secrets.send(new DescribeSecretCommand({ SecretId }));
  return !Object.values(VersionIdsToStages).flat().includes('AWSPREVIOUS');
}

export async function webhookSecret(target: Target): Promise<CheckResult> {
  const SecretId = target.outputs.WebhookSecretArn;
  if (isRootSecret(await secretOf(target, SecretId)))
    return ok("clients' webhook secrets can be derived from it");
  const put = `aws secretsmanager put-secret-value --secret-id ${SecretId}`;
  return failed(
    'it is not at least 32 bytes in base64 with its padding (=), with or without whsec_ before it: no webhook is sent',
    `${put} --secret-string "whsec_$(openssl rand -base64 32)"`,
  );
}

/** As the functions take it. */
async function secretOf({ clients }: Target, SecretId: string): Promise<string> {
  const { SecretString = '' } = await clients.secrets.send(new GetSecretValueCommand({ SecretId }));
  return SecretString.trim();
}
