import { createHash } from 'node:crypto';
import { CONTEXT_KEYS, needRefusal, type Session } from './aws/authority.ts';
import { isAboutRoles, type Statement, unknownConditions } from './aws/policy.ts';
import { CREDENTIALS } from './clients.ts';
import { ACCOUNT_ID, PARTITION } from './identities.ts';
import type { StackModel } from './model.ts';

interface PolicyProperties {
  PolicyDocument: { Statement: Statement | Statement[] };
  Roles?: string[];
}

interface RoleProperties {
  ManagedPolicyArns?: string[];
  Policies?: PolicyProperties[];
}

export function accessKeyIdOf(functionName: string): string {
  return `ASIA${createHash('sha256').update(functionName).digest('hex').slice(0, 16).toUpperCase()}`;
}

/**
 * The functions that have a role of the template, by the id of the access key that each of them gets.
 * @throws when a policy asks for what cannot be judged here
 */
export function sessionsOf(model: StackModel): Map<string, Session> {
  const roles = model.ofType<RoleProperties>('AWS::IAM::Role');
  const attached = model.ofType<PolicyProperties>('AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy');
  const ofResources = model
    .ofType<PolicyProperties>('AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy')
    .flatMap(({ logicalId, properties }) => statementsIn(logicalId, [properties]));
  const sessions = new Map<string, Session>();
  for (const { identity, properties } of model.ofType<{ Role?: string }>('AWS::Lambda::Function')) {
    const role = roles.find((each) => each.identity.attributes['Arn'] === properties.Role);
    if (!role) continue;
    const { ManagedPolicyArns = [], Policies = [] } = role.properties;
    const isOfRole = (policy: (typeof attached)[number]) =>
      policy.properties.Roles?.includes(role.identity.ref) || ManagedPolicyArns.includes(policy.identity.ref);
    const policies = [...Policies, ...attached.filter(isOfRole).map((policy) => policy.properties)];
    const accessKeyId = accessKeyIdOf(identity.name);
    sessions.set(accessKeyId, {
      credentials: { ...CREDENTIALS, accessKeyId, sessionToken: 'local' },
      roleArn: role.identity.attributes['Arn'] ?? '',
      userArn: `arn:${PARTITION}:sts::${ACCOUNT_ID}:assumed-role/${role.identity.ref}/${identity.name}`,
      statements: [...statementsIn(role.logicalId, policies), ...ofResources],
    });
  }
  return sessions;
}

/** @throws as the creation of an event source mapping does, which polls its queue in the name of the function */
export function refuseToPollWithoutGrant(session: Session | undefined, queueArn: string): void {
  for (const action of ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes']) {
    if (!session || !needRefusal({ action: `sqs:${action}`, resource: queueArn }, session)) continue;
    throw new Error(
      `The function execution role ${session.roleArn} does not have permissions to call ${action} on ${queueArn}`,
    );
  }
}

function statementsIn(logicalId: string, policies: PolicyProperties[]): Statement[] {
  const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement).filter(isAboutRoles);
  const unknown = statements.flatMap((statement) => unknownConditions(statement, CONTEXT_KEYS));
  if (unknown.length === 0) return statements;
  throw new Error(`${logicalId}: the local stack cannot judge the condition ${unknown.join(', ')}`);
}
