import { CfnParameter, CfnResource, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';

/** @returns a sentence for each construct that breaks the rule, with its path */
export type Rule = (wiring: Wiring, settings: Settings) => string[];

export interface Resource<Properties = object> {
  /** The construct's path within the deployment, such as `Poll/Poll/Queue`. */
  path: string;
  logicalId: string;
  type: string;
  properties: Properties;
  deletionPolicy: string | undefined;
}

interface Template {
  Resources: Record<string, { Type: string; Properties?: object; DeletionPolicy?: string }>;
}

type Reference = { Ref?: string; 'Fn::GetAtt'?: [id: string, attribute: string] };

/** AWS's own values for what a resource leaves out. */
const DEFAULTS: Record<string, object> = {
  'AWS::SQS::Queue': { VisibilityTimeout: 30, MessageRetentionPeriod: 4 * 86_400 },
  'AWS::Lambda::Function': { Environment: {}, RecursiveLoop: 'Terminate', Timeout: 3 },
  'AWS::Lambda::EventSourceMapping': { MaximumBatchingWindowInSeconds: 0, FunctionResponseTypes: [] },
};

export type Queue = Resource<{
  VisibilityTimeout: number;
  MessageRetentionPeriod: number;
  RedrivePolicy?: { deadLetterTargetArn: unknown; maxReceiveCount?: number };
}>;

export type Fn = Resource<{
  Environment: { Variables?: Record<string, unknown> };
  RecursiveLoop: string;
  Role: unknown;
  Timeout: number;
}>;

interface Mapping {
  EventSourceArn: unknown;
  FunctionName: unknown;
  FunctionResponseTypes: string[];
  MaximumBatchingWindowInSeconds: number;
  ScalingConfig?: { MaximumConcurrency?: number };
}

interface Policy {
  PolicyDocument: {
    Statement: { Effect: 'Allow' | 'Deny'; Action?: string | string[]; Resource?: unknown }[];
  };
  Roles?: unknown[];
}

export const variablesOf = ({ properties }: Fn) => Object.entries(properties.Environment.Variables ?? {});

/** A deployment as its template will have it, with every override: who sends what to whom, and who may do what. */
export class Wiring {
  readonly queues: Queue[];
  readonly functions: Fn[];
  readonly consumers: { queue: Queue; fn: Fn; mapping: Mapping }[];
  /** The logical ids of parameters with `NoEcho`. */
  readonly hiddenParameters: string[];
  readonly stackName: string;
  readonly #all: Resource[];

  constructor(deployment: Construct) {
    const constructs = deployment.node.findAll();
    const stack = Stack.of(deployment);
    this.stackName = stack.stackName;
    this.#all = constructs.filter(CfnResource.isCfnResource).flatMap((one) => resourcesOf(one, deployment));
    // Also those beside the deployment: whoever made them may pass one as a setting. Nested stacks have names of their own.
    this.hiddenParameters = stack.node
      .findAll()
      .filter((one) => one instanceof CfnParameter)
      .filter((one) => one.noEcho && Stack.of(one) === stack)
      .map(({ logicalId }) => stack.resolve(logicalId));
    this.queues = this.ofType('AWS::SQS::Queue');
    this.functions = this.ofType('AWS::Lambda::Function');
    const mappings = this.ofType<Mapping>('AWS::Lambda::EventSourceMapping');
    this.consumers = mappings.flatMap(({ properties: mapping }) => {
      const queue = this.behind<Queue>(mapping.EventSourceArn);
      const fn = this.behind<Fn>(mapping.FunctionName);
      return queue && fn ? { queue, fn, mapping } : [];
    });
  }

  ofType<Properties>(...types: string[]): Resource<Properties>[] {
    return this.#all.filter(({ type }) => types.includes(type)) as Resource<Properties>[];
  }

  /** The resource that a `Ref` or `Fn::GetAtt` names. */
  behind<Found extends Resource>(expression: unknown): Found | undefined {
    const id = referredId(expression);
    return this.#all.find(({ logicalId }) => logicalId === id) as Found | undefined;
  }

  permissionsOf(fn: Fn): { actions: string[]; arns: unknown[] }[] {
    const role = referredId(fn.properties.Role);
    return this.ofType<Policy>('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')
      .filter(({ properties }) => properties.Roles?.some((expression) => referredId(expression) === role))
      .flatMap(({ properties }) => properties.PolicyDocument.Statement)
      .filter(({ Effect }) => Effect === 'Allow')
      .map(({ Action = [], Resource = [] }) => ({ actions: [Action].flat(), arns: [Resource].flat() }));
  }

  isAllowed(fn: Fn, actions: string[], resource: Resource): boolean {
    return this.permissionsOf(fn).some(
      (allowed) =>
        allowed.actions.some((action) => actions.includes(action)) &&
        allowed.arns.some((arn) => anchorOf(arn) === resource.logicalId),
    );
  }

  /** The functions that a function's messages wake, directly or through other functions. */
  wokenBy(fn: Fn, known = new Set<Fn>()): Set<Fn> {
    for (const { queue, fn: next } of this.consumers) {
      if (known.has(next) || !this.isAllowed(fn, ['sqs:SendMessage'], queue)) continue;
      this.wokenBy(next, known.add(next));
    }
    return known;
  }
}

function resourcesOf(construct: CfnResource, deployment: Construct): Resource[] {
  const path = construct.node.path.slice(deployment.node.path.length + 1).replace(/\/Resource$/, '');
  // What is undefined is in no template.
  const template = JSON.stringify(Stack.of(deployment).resolve(construct._toCloudFormation()));
  const { Resources } = JSON.parse(template) as Template;
  return Object.entries(Resources).map(([logicalId, { Type: type, Properties, DeletionPolicy }]) => {
    const properties = { ...DEFAULTS[type], ...Properties };
    return { path, logicalId, type, properties, deletionPolicy: DeletionPolicy };
  });
}

/** The logical id in `{Ref: id}` or `{'Fn::GetAtt': [id, attribute]}`. */
export function referredId(expression: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (expression ?? {}) as Reference;
  return Ref ?? attribute?.[0];
}

/** The resource that an ARN begins with: `{GetAtt}`, or `{Join: ['', [{GetAtt}, '/*']]}`. */
export function anchorOf(arn: unknown): string | undefined {
  const joined = (arn as { 'Fn::Join'?: [string, unknown[]] } | null)?.['Fn::Join']?.[1][0];
  return referredId(joined ?? arn);
}
