import { SQSClient } from '@aws-sdk/client-sqs';
import type { Session } from './aws/authority.ts';
import { clientSettings } from './clients.ts';
import { type Endpoints, startEmulators } from './emulators.ts';
import type { EventBuses } from './event-buses.ts';
import { EventSource } from './event-source.ts';
import { createFunctions } from './functions.ts';
import { Gateway } from './gateway.ts';
import type { LambdaFunction } from './lambda.ts';
import { StackModel } from './model.ts';
import { provision } from './provision.ts';
import { refuseUnsupportedTypes, unsupportedProperties } from './resources.ts';
import { accessKeyIdOf, refuseToPollWithoutGrant, sessionsOf } from './sessions.ts';
import { readSynthesizedStack, type SynthesizedStack } from './template.ts';
import { Triggers } from './triggers.ts';

/** setInterval fires at once for anything longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export interface LocalStackOptions {
  /** `cdk.out/<Stack>.template.json`; its assets are next to it. */
  templateFile: string;
  /** Of the API; 0 is any free one. */
  port?: number;
  /** Of the template; the others have their defaults. */
  parameters?: Record<string, string>;
  /** Replaces variables that the template gives a function; adds none. */
  environment?: Record<string, string>;
  /** Given to every function. */
  extraEnvironment?: Record<string, string>;
  /** Initial values, by logical id or construct path of the secret. */
  secrets?: Record<string, string>;
  onLog?(line: { functionName: string; line: string }): void;
}

export interface LocalStack {
  apiUrl: string;
  endpoints: Endpoints;
  eventBuses: EventBuses;
  outputs: Record<string, string>;
  /** What the template asks for and the laptop does not do. */
  warnings: string[];
  /** By logical id. */
  functions: Record<string, LambdaFunction>;
  /** The `Ref` of a logical id or a construct path, or the value of an expression such as `{'Fn::GetAtt': …}`. */
  resolve(logicalIdOrExpression: unknown): unknown;
  close(): Promise<void>;
}

/** Runs a synthesized stack on this machine: nothing is known of its wiring but what its template says. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const stack = readSynthesizedStack(options.templateFile);
  refuseUnsupportedTypes(stack.template);
  const closing = new ClosingSteps();
  try {
    return await start(stack, options, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

async function start(
  stack: SynthesizedStack,
  options: LocalStackOptions,
  closing: ClosingSteps,
): Promise<LocalStack> {
  const sessions = new Map<string, Session>();
  const emulators = await startEmulators(sessions);
  closing.add(() => emulators.close());
  const gateway = new Gateway();
  const apiUrl = await gateway.listen(options.port ?? 0);
  closing.add(() => gateway.close());
  const { endpoints } = emulators;
  const sqs = new SQSClient(clientSettings(endpoints.sqs));
  closing.add(() => sqs.destroy());

  const place = { stackName: stack.name, apiUrl, sqsEndpoint: endpoints.sqs };
  const model = new StackModel(stack, place, options.parameters);
  for (const [accessKeyId, session] of sessionsOf(model)) sessions.set(accessKeyId, session);
  const functions = createFunctions(model, {
    sessions,
    endpoints,
    assetDirectory: stack.assetDirectory,
    environment: options.environment ?? {},
    extraEnvironment: options.extraEnvironment ?? {},
    onLog: options.onLog ?? (() => undefined),
  });
  const triggers = new Triggers(model, functions);
  const routes = triggers.routes();
  const { schedules, warnings } = triggers.schedules();
  const outputs = model.outputs();
  const mappings = triggers.eventSources();
  const eventSources: EventSource[] = [];
  closing.add(() => Promise.all(eventSources.map((eventSource) => eventSource.closed())));
  closing.add(() => Promise.all(Object.values(functions).map((target) => target.close())));

  for (const { settings, target } of mappings) {
    refuseToPollWithoutGrant(sessions.get(accessKeyIdOf(target.settings.name)), settings.queueArn);
  }

  for (const target of triggers.targets) target.warm();
  await provision(model, emulators, sqs, options.secrets ?? {});
  for (const { settings, target } of mappings) {
    eventSources.push(new EventSource(sqs, settings, (event) => target.invoke(event)));
  }
  closing.add(() => {
    for (const eventSource of eventSources) eventSource.stop();
  });
  for (const { intervalMs, fire } of schedules) {
    const timer = setInterval(fire, Math.min(intervalMs, TIMER_MAX_MS));
    closing.add(() => clearInterval(timer));
  }
  gateway.serve(apiIdOf(model), routes);
  return {
    apiUrl,
    endpoints,
    eventBuses: emulators.eventBuses,
    outputs,
    warnings: [...unsupportedProperties(stack.template), ...warnings],
    functions,
    resolve: (logicalIdOrExpression) => model.resolve(logicalIdOrExpression),
    close: () => closing.run(),
  };
}

function apiIdOf(model: StackModel): string {
  const apis = model.ofType<{ ProtocolType?: string }>('AWS::ApiGatewayV2::Api');
  const [api] = apis;
  if (apis.length > 1 || (api && api.properties.ProtocolType !== 'HTTP')) {
    throw new Error(
      `The local stack serves one HTTP API, not ${apis.map(({ logicalId }) => logicalId).join(', ')}`,
    );
  }
  return api?.identity.ref ?? 'none';
}

/** What was started last is ended first, once. */
class ClosingSteps {
  readonly #steps: (() => unknown)[] = [];
  #running: Promise<void> | undefined;

  add(step: () => unknown): void {
    this.#steps.unshift(step);
  }

  run(): Promise<void> {
    this.#running ??= this.#runInOrder();
    return this.#running;
  }

  async #runInOrder(): Promise<void> {
    for (const step of this.#steps) await step();
  }
}
