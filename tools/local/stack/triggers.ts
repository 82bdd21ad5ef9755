import type { EventSourceSettings } from './event-source.ts';
import type { Integration } from './gateway.ts';
import type { LambdaFunction } from './lambda.ts';
import type { ResolvedResource, StackModel } from './model.ts';
import { RouteTable } from './routes.ts';
import { rateInMilliseconds, scheduledEvent } from './schedule.ts';

interface MappingProperties {
  BatchSize?: number;
  Enabled?: boolean;
  EventSourceArn: string;
  FunctionName: string;
  FunctionResponseTypes?: string[];
  MaximumBatchingWindowInSeconds?: number;
  ScalingConfig?: { MaximumConcurrency?: number };
}

interface IntegrationProperties {
  IntegrationType: string;
  IntegrationUri: string;
  PayloadFormatVersion?: string;
  TimeoutInMillis?: number;
}

interface RouteProperties {
  AuthorizationType?: string;
  RouteKey: string;
  Target: `integrations/${string}`;
}

interface ScheduleTarget {
  Arn: string;
  Input?: string;
}

interface ScheduleProperties {
  ScheduleExpression?: string;
  State?: string;
  Target?: ScheduleTarget;
  Targets?: ScheduleTarget[];
}

export interface Schedule {
  logicalId: string;
  intervalMs: number;
  fire(): void;
}

interface InvokeConfigProperties {
  FunctionName: string;
  MaximumRetryAttempts?: number;
}

/** Before Lambda repeats an event that nobody waits for. */
const REPEAT_AFTER_MS = [60_000, 120_000];
const INTEGRATION_TIMEOUT_MS = 30_000;

/** What calls the functions of a stack: its queues, its API and its schedules. */
export class Triggers {
  readonly #model: StackModel;
  readonly #functions: Record<string, LambdaFunction>;
  /** The functions that something calls. */
  readonly targets = new Set<LambdaFunction>();

  constructor(model: StackModel, functions: Record<string, LambdaFunction>) {
    this.#model = model;
    this.#functions = functions;
  }

  eventSources(): { settings: EventSourceSettings; target: LambdaFunction }[] {
    const queues = this.#model.ofType('AWS::SQS::Queue');
    const mappings = this.#model.ofType<MappingProperties>('AWS::Lambda::EventSourceMapping');
    return mappings
      .filter(({ properties }) => properties.Enabled !== false)
      .map(({ logicalId, properties }) => {
        const queue = queues.find(({ identity }) => identity.attributes['Arn'] === properties.EventSourceArn);
        if (!queue)
          throw new Error(`${logicalId}: ${properties.EventSourceArn} is not a queue of this stack`);
        const target = this.#functionAt(properties.FunctionName, logicalId);
        const maxConcurrency = properties.ScalingConfig?.MaximumConcurrency ?? Number.POSITIVE_INFINITY;
        const settings = {
          queueUrl: queue.identity.ref,
          queueArn: properties.EventSourceArn,
          batchSize: properties.BatchSize ?? 10,
          batchingWindowSeconds: properties.MaximumBatchingWindowInSeconds ?? 0,
          reportsBatchItemFailures:
            properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
          maxConcurrency: Math.min(maxConcurrency, target.settings.maxConcurrency),
        };
        return { settings, target };
      });
  }

  routes(): RouteTable<Integration> {
    for (const { logicalId, properties } of this.#model.ofType<{ StageName: string }>(
      'AWS::ApiGatewayV2::Stage',
    )) {
      if (properties.StageName !== '$default')
        throw new Error(`${logicalId}: only the stage $default is served`);
    }
    const integrations = new Map(
      this.#model
        .ofType<IntegrationProperties>('AWS::ApiGatewayV2::Integration')
        .map(
          (integration) =>
            [`integrations/${integration.identity.ref}`, this.#integration(integration)] as const,
        ),
    );
    const routes = this.#model.ofType<RouteProperties>('AWS::ApiGatewayV2::Route');
    return new RouteTable(
      Object.fromEntries(
        routes.map(({ logicalId, properties }) => {
          const integration = integrations.get(properties.Target);
          if (!integration)
            throw new Error(`${logicalId}: ${properties.Target} is not an integration of this stack`);
          if ((properties.AuthorizationType ?? 'NONE') !== 'NONE') {
            throw new Error(
              `${logicalId}: the authorization ${properties.AuthorizationType} is not supported`,
            );
          }
          return [properties.RouteKey, integration];
        }),
      ),
    );
  }

  schedules(): { schedules: Schedule[]; warnings: string[] } {
    const rules = this.#model.ofType<ScheduleProperties>('AWS::Scheduler::Schedule', 'AWS::Events::Rule');
    const enabled = rules.filter(({ properties }) => properties.State !== 'DISABLED');
    const schedules: Schedule[] = [];
    const warnings: string[] = [];
    for (const rule of enabled) {
      const expression = rule.properties.ScheduleExpression ?? 'its event pattern';
      const intervalMs = rateInMilliseconds(expression);
      if (intervalMs === undefined)
        warnings.push(`${rule.logicalId}: ${expression} never fires; only rate(…) does`);
      else schedules.push({ logicalId: rule.logicalId, intervalMs, fire: this.#firing(rule) });
    }
    return { schedules, warnings };
  }

  #integration({ logicalId, properties }: ResolvedResource<IntegrationProperties>): Integration {
    const { IntegrationType, IntegrationUri, PayloadFormatVersion, TimeoutInMillis } = properties;
    if (IntegrationType !== 'AWS_PROXY' || PayloadFormatVersion !== '2.0') {
      throw new Error(`${logicalId}: only AWS_PROXY integrations with the payload format 2.0 are supported`);
    }
    const target = this.#functionAt(IntegrationUri, logicalId);
    return { timeoutMs: TimeoutInMillis ?? INTEGRATION_TIMEOUT_MS, invoke: (event) => target.invoke(event) };
  }

  #firing({ logicalId, identity, properties }: ResolvedResource<ScheduleProperties>): () => void {
    const targets = properties.Targets ?? (properties.Target ? [properties.Target] : []);
    const source = properties.Targets ? 'aws.events' : 'aws.scheduler';
    const calls = targets.map(({ Arn, Input }) => ({
      target: this.#functionAt(Arn, logicalId),
      input: Input,
    }));
    return () => {
      for (const { target, input } of calls) {
        const scheduleArn = identity.attributes['Arn'] ?? '';
        const event = scheduledEvent({ scheduleArn, source, input, firedAt: new Date() });
        invokeUnwaited(target, event, REPEAT_AFTER_MS.slice(0, this.#repeatsOf(target)));
      }
    };
  }

  #repeatsOf(target: LambdaFunction): number | undefined {
    const configs = this.#model.ofType<InvokeConfigProperties>('AWS::Lambda::EventInvokeConfig');
    return configs.find(({ properties }) => properties.FunctionName === target.settings.name)?.properties
      .MaximumRetryAttempts;
  }

  /** By name, by ARN, or by a URI that holds the ARN. */
  #functionAt(reference: string, referrer: string): LambdaFunction {
    const found = this.#model.ofType('AWS::Lambda::Function').find(({ identity: { name, attributes } }) => {
      const functionArn = attributes['Arn'] ?? '';
      return (
        [name, functionArn].includes(reference) || reference.endsWith(`/functions/${functionArn}/invocations`)
      );
    });
    const target = found && this.#functions[found.logicalId];
    if (!target) throw new Error(`${referrer}: ${reference} is not a function of this stack`);
    this.targets.add(target);
    return target;
  }
}

/** Each failure has been logged. */
function invokeUnwaited(target: LambdaFunction, event: unknown, [waitMs, ...later]: number[]): void {
  target.invoke(event).catch(() => {
    if (waitMs !== undefined) setTimeout(() => invokeUnwaited(target, event, later), waitMs).unref();
  });
}
