import { type Resource, type Resources, referredId } from './resources.ts';

export interface QueueProperties {
  VisibilityTimeout?: number;
  MessageRetentionPeriod?: number;
  RedrivePolicy?: { deadLetterTargetArn: unknown; maxReceiveCount?: number };
}

export interface FunctionProperties {
  Environment?: { Variables?: Record<string, unknown> };
  RecursiveLoop?: string;
  Role: unknown;
  Timeout?: number;
}

interface MappingProperties {
  EventSourceArn: unknown;
  FunctionName: unknown;
  FunctionResponseTypes?: string[];
  MaximumBatchingWindowInSeconds?: number;
  ScalingConfig?: { MaximumConcurrency?: number };
}

export interface Statement {
  Effect: 'Allow' | 'Deny';
  Action?: string | string[];
  Resource?: unknown;
}

interface PolicyProperties {
  PolicyDocument: { Statement: Statement[] };
  Roles?: unknown[];
}

export type Queue = Resource<QueueProperties>;
export type Fn = Resource<FunctionProperties>;

export interface Consumer {
  queue: Queue;
  fn: Fn;
  mapping: MappingProperties;
}

export const variablesOf = ({ properties }: Fn) => properties.Environment?.Variables ?? {};
export const actionsIn = ({ Action = [] }: Statement): string[] => [Action].flat();
export const resourcesIn = ({ Resource = [] }: Statement): unknown[] => [Resource].flat();

/** Who sends what to whom, and who may do what. */
export class Wiring {
  readonly queues: Queue[];
  readonly functions: Fn[];
  readonly consumers: Consumer[];
  readonly #resources: Resources;

  constructor(resources: Resources) {
    this.#resources = resources;
    this.queues = resources.ofType('AWS::SQS::Queue');
    this.functions = resources.ofType('AWS::Lambda::Function');
    this.consumers = resources
      .ofType<MappingProperties>('AWS::Lambda::EventSourceMapping')
      .flatMap(({ properties: mapping }) => {
        const queue = resources.behind<QueueProperties>(mapping.EventSourceArn);
        const fn = resources.behind<FunctionProperties>(mapping.FunctionName);
        return queue && fn ? [{ queue, fn, mapping }] : [];
      });
  }

  deadLetterQueueOf(queue: Queue): Queue | undefined {
    return this.#resources.behind(queue.properties.RedrivePolicy?.deadLetterTargetArn);
  }

  permissionsOf(fn: Fn): Statement[] {
    const role = referredId(fn.properties.Role);
    return this.#resources
      .ofType<PolicyProperties>('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy')
      .filter(({ properties }) => properties.Roles?.some((expression) => referredId(expression) === role))
      .flatMap(({ properties }) => properties.PolicyDocument.Statement)
      .filter(({ Effect }) => Effect === 'Allow');
  }

  /** The functions that may do an action to a resource. */
  allowed(actions: string[], resource: Resource<unknown>): Fn[] {
    return this.functions.filter((fn) =>
      this.permissionsOf(fn).some(
        (statement) =>
          actionsIn(statement).some((action) => actions.includes(action)) &&
          resourcesIn(statement).some((expression) => anchorOf(expression) === resource.logicalId),
      ),
    );
  }

  /** Whether a function's messages may wake it again, directly or through other functions. */
  isRecursive(fn: Fn): boolean {
    const reached = new Set<Fn>();
    const frontier = [fn];
    for (const current of frontier) {
      for (const next of this.#fedBy(current)) {
        if (!reached.has(next)) frontier.push(next);
        reached.add(next);
      }
    }
    return reached.has(fn);
  }

  #fedBy(fn: Fn): Fn[] {
    return this.consumers
      .filter(({ queue }) => this.allowed(['sqs:SendMessage'], queue).includes(fn))
      .map((consumer) => consumer.fn);
  }
}

/** The resource of the stack that an ARN begins with: `{GetAtt}`, or `{Join: ['', [{GetAtt}, '/*']]}`. */
export function anchorOf(arn: unknown): string | undefined {
  const joined = (arn as { 'Fn::Join'?: [string, unknown[]] } | null)?.['Fn::Join']?.[1][0];
  return referredId(joined ?? arn);
}
