import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { awsSettings, describeStackOf } from '../deployed.ts';
import { answered, CliError } from '../error-message.ts';
import { deployCommand, findTarget, type TargetRef } from '../find-target.ts';
import { contextOfProject } from '../project.ts';
import type { Target } from '../target.ts';
import { type CheckResult, failed, ok, resultOf, skipped, unchecked } from './result.ts';
import { TARGET_CHECKS } from './system.ts';

export interface Finding {
  title: string;
  result: CheckResult;
}

/** Makes one check after the other, and ends early when nothing more can be seen. */
export async function* runChecks(ref: TargetRef): AsyncGenerator<Finding> {
  const isLocal = 'port' in ref;
  const notHere = async () => skipped('not needed on this machine');
  const identity = await resultOf(isLocal ? notHere : credentials);
  yield { title: 'AWS credentials', result: identity };
  if (identity.state === 'failed') return;
  yield { title: 'CDK bootstrap', result: await resultOf(isLocal ? notHere : bootstrap) };

  const found = await targetOrResult(ref);
  yield { title: 'Stack', result: 'state' in found ? found : stateOf(found) };
  if ('state' in found) return;
  for (const { title, check } of TARGET_CHECKS) yield { title, result: await resultOf(() => check(found)) };
}

async function targetOrResult(ref: TargetRef): Promise<Target | CheckResult> {
  try {
    return await findTarget(ref);
  } catch (error) {
    if (!(error instanceof CliError)) return unchecked(error);
    return failed(
      error.message,
      'port' in ref ? 'npm start' : `${deployCommand(ref)} -c organizationId=org_YOURS`,
    );
  }
}

async function credentials(): Promise<CheckResult> {
  const client = new STSClient(awsSettings());
  const { Arn } = await client.send(new GetCallerIdentityCommand({}));
  return ok(`${answered(Arn)} in ${await client.config.region()}`);
}

/** The templates of today's CDK refuse an older one. */
const BOOTSTRAP_VERSION_MIN = 6;

async function bootstrap(): Promise<CheckResult> {
  const client = new CloudFormationClient(awsSettings());
  const { '@aws-cdk/core:bootstrapQualifier': qualifier = 'hnb659fds' } = contextOfProject();
  // It proves a bootstrap, whatever the name of its stack; CDK checks it as well.
  const parameter = `/cdk-bootstrap/${qualifier}/version`;
  const toolkit = await describeStackOf(client, parameter);
  if (!toolkit) return failed(`no stack has made ${parameter}`, 'npx cdk bootstrap');
  const version = toolkit.Outputs?.find(({ OutputKey }) => OutputKey === 'BootstrapVersion')?.OutputValue;
  if (Number(version) >= BOOTSTRAP_VERSION_MIN) return ok(`version ${version}`);
  return failed(`version ${version} is older than ${BOOTSTRAP_VERSION_MIN}`, 'npx cdk bootstrap');
}

function stateOf({ name, deployment }: Target): CheckResult {
  if (!deployment) return ok(name);
  const { status } = deployment;
  const isSettled = /^[A-Z_]+_COMPLETE$/.test(status) && !/^(DELETE|ROLLBACK)_/.test(status);
  if (isSettled) return ok(`${name}, ${status}`);
  return failed(
    `${name} is ${status}`,
    'Wait for the deployment to end, or look at its events in CloudFormation.',
  );
}
