import { referredId } from './resources.ts';
import type { Safety } from './safety.ts';
import { actionsIn, anchorOf, resourcesIn, type Statement } from './wiring.ts';

interface RoleProperties {
  ManagedPolicyArns?: unknown[];
  Policies?: { PolicyDocument: { Statement: Statement[] } }[];
}

interface PolicyProperties {
  PolicyDocument: { Statement: Statement[] };
}

export const wildcards: Safety = ({ resources }) => {
  const policies = resources.ofType<PolicyProperties>('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy');
  const inRoles = resources
    .ofType<RoleProperties>('AWS::IAM::Role')
    .flatMap(({ path, properties }) =>
      (properties.Policies ?? []).map((policy) => ({ path, properties: policy })),
    );
  return [...policies, ...inRoles].flatMap(({ path, properties }) =>
    properties.PolicyDocument.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap((statement) =>
      wildcardsIn(statement).map((wildcard) => `${path} allows ${wildcard}: name what is needed.`),
    ),
  );
};

function wildcardsIn(statement: Statement): string[] {
  const actions = actionsIn(statement).filter((action) => action.includes('*'));
  // The objects of a bucket of ours are as narrow as it gets: `{GetAtt}/*`.
  const everything = resourcesIn(statement)
    .filter((arn) => JSON.stringify(arn).includes('*') && anchorOf(arn) === undefined)
    .map(
      (arn) => `${actionsIn(statement).join(', ')} on ${typeof arn === 'string' ? arn : JSON.stringify(arn)}`,
    );
  const negated = ['NotAction', 'NotResource'].filter((element) => element in statement);
  return [...actions, ...everything, ...negated];
}

/** AWS's managed policies are written for everybody, so each of them allows something on `*`. */
export const managedPolicies: Safety = ({ resources }) =>
  resources
    .ofType<RoleProperties>('AWS::IAM::Role')
    .filter(({ properties }) => properties.ManagedPolicyArns?.length)
    .map(({ path }) => `${path} has a managed policy: grant what is needed, on the resources that need it.`);

/** What is reached over the network, the policies for it, and the policies' property that names it. */
const REACHED = [
  { type: 'AWS::SQS::Queue', policy: 'AWS::SQS::QueuePolicy', property: 'Queues' },
  { type: 'AWS::S3::Bucket', policy: 'AWS::S3::BucketPolicy', property: 'Bucket' },
  { type: 'AWS::SNS::Topic', policy: 'AWS::SNS::TopicPolicy', property: 'Topics' },
];

export const tlsOnly: Safety = ({ resources }) =>
  REACHED.flatMap(({ type, policy, property }) => {
    const guarded = resources
      .ofType<PolicyProperties & Record<string, unknown>>(policy)
      .filter(({ properties }) => properties.PolicyDocument.Statement.some(refusesPlainHttp))
      .flatMap(({ properties }) => [properties[property]].flat().map(referredId));
    return resources
      .ofType(type)
      .filter(({ logicalId }) => !guarded.includes(logicalId))
      .map(({ path }) => `${path} does not refuse requests without TLS.`);
  });

function refusesPlainHttp({ Effect, Condition }: Statement): boolean {
  return Effect === 'Deny' && String(Condition?.['Bool']?.['aws:SecureTransport']) === 'false';
}
