import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import cdkJson from '../../../cdk.json' with { type: 'json' };
import { awsSettings, describeStackOf } from '../deployed.ts';
import { deployCommand, findTarget, type Place } from '../find-target.ts';
import { answered, Failure } from '../sentence.ts';
import type { Target } from '../target.ts';
import { TARGET_CHECKS } from './system.ts';
import { failed, ok, skipped, unseen, type Verdict, verdictOf } from './verdict.ts';

export interface Finding {
  title: string;
  verdict: Verdict;
}

/** Makes one check after the other, and ends early when nothing more can be seen. */
export async function* examine(place: Place): AsyncGenerator<Finding> {
  const isLocal = 'port' in place;
  const notHere = async () => skipped('not needed on this machine');
  const identity = await verdictOf(isLocal ? notHere : credentials);
  yield { title: 'AWS credentials', verdict: identity };
  if (identity.state === 'failed') return;
  yield { title: 'CDK bootstrap', verdict: await verdictOf(isLocal ? notHere : bootstrap) };

  const found = await targetOrVerdict(place);
  yield { title: 'Stack', verdict: 'state' in found ? found : stateOf(found) };
  if ('state' in found) return;
  for (const { title, look } of TARGET_CHECKS) yield { title, verdict: await verdictOf(() => look(found)) };
}

async function targetOrVerdict(place: Place): Promise<Target | Verdict> {
  try {
    return await findTarget(place);
  } catch (error) {
    if (!(error instanceof Failure)) return unseen(error);
    return failed(
      error.message,
      'port' in place ? 'npm start' : `${deployCommand(place.stackName)} -c organizationId=org_YOURS`,
    );
  }
}

async function credentials(): Promise<Verdict> {
  const client = new STSClient(awsSettings());
  const { Arn } = await client.send(new GetCallerIdentityCommand({}));
  return ok(`${answered(Arn)} in ${await client.config.region()}`);
}

const context: Record<string, unknown> = cdkJson.context;
/** It tells of a bootstrap, whatever its stack is called; CDK looks for it as well. */
const BOOTSTRAP_PARAMETER = `/cdk-bootstrap/${context['@aws-cdk/core:bootstrapQualifier'] ?? 'hnb659fds'}/version`;
/** The templates of today's CDK refuse an older one. */
const BOOTSTRAP_VERSION_MIN = 6;

async function bootstrap(): Promise<Verdict> {
  const client = new CloudFormationClient(awsSettings());
  const toolkit = await describeStackOf(client, BOOTSTRAP_PARAMETER);
  if (!toolkit) return failed(`no stack has made ${BOOTSTRAP_PARAMETER}`, 'npx cdk bootstrap');
  const version = toolkit.Outputs?.find(({ OutputKey }) => OutputKey === 'BootstrapVersion')?.OutputValue;
  if (Number(version) >= BOOTSTRAP_VERSION_MIN) return ok(`version ${version}`);
  return failed(`version ${version} is older than ${BOOTSTRAP_VERSION_MIN}`, 'npx cdk bootstrap');
}

function stateOf({ name, deployment }: Target): Verdict {
  if (!deployment) return ok(name);
  const { status } = deployment;
  const isSettled = /^[A-Z_]+_COMPLETE$/.test(status) && !/^(DELETE|ROLLBACK)_/.test(status);
  if (isSettled) return ok(`${name}, ${status}`);
  return failed(
    `${name} is ${status}`,
    'Wait for the deployment to end, or look at its events in CloudFormation.',
  );
}
