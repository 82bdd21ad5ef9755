import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Session } from './aws/authority.ts';
import type { Emulators } from './emulators.ts';
import { EventSource } from './event-source.ts';
import { createFunctions, type FunctionOptions } from './functions.ts';
import type { Gateway } from './gateway.ts';
import type { LambdaFunction } from './lambda.ts';
import { StackModel } from './model.ts';
import { provision } from './provision.ts';
import { refuseUnsupportedTypes, unsupportedProperties } from './resources.ts';
import { accessKeyIdOf, refuseToPollWithoutGrant, sessionsOf } from './sessions.ts';
import type { SynthesizedStack } from './template.ts';
import { Triggers } from './triggers.ts';

/** setInterval fires at once for anything longer. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** What outlives a template that another one replaces. */
export interface Ground {
  apiUrl: string;
  emulators: Emulators;
  gateway: Gateway;
  sqs: SQSClient;
  sessions: Map<string, Session>;
  /** By the URL of the queue. */
  eventSources: Map<string, EventSource>;
  /** The properties of what keeps state, by its `Ref`. */
  stores: Map<string, string>;
  parameters: Record<string, string> | undefined;
  secrets: Record<string, string>;
  functionOptions: Omit<FunctionOptions, 'assetDirectory'>;
}

/** What runs by one template. */
export interface Deployment {
  model: StackModel;
  outputs: Record<string, string>;
  warnings: string[];
  functions: Record<string, LambdaFunction>;
  /** Fires no more schedules, and lets each invocation that runs come to its end. */
  retire(): Promise<void>;
  /** Fires no more schedules, and ends what runs. */
  close(): Promise<void>;
}

/** Provisions what is not there yet, and has the queues, the API and the schedules call the functions of this template. */
export async function deploy(stack: SynthesizedStack, ground: Ground): Promise<Deployment> {
  refuseUnsupportedTypes(stack.template);
  const { apiUrl, emulators, gateway, sqs, sessions } = ground;
  const place = { stackName: stack.name, apiUrl, sqsEndpoint: emulators.endpoints.sqs };
  const model = new StackModel(stack, place, ground.parameters);
  for (const [accessKeyId, session] of sessionsOf(model)) sessions.set(accessKeyId, session);
  const { assetDirectory } = stack;
  const functions = createFunctions(model, { ...ground.functionOptions, assetDirectory });
  const triggers = new Triggers(model, functions);
  const apiId = apiIdOf(model);
  const routes = triggers.routes();
  const { schedules, warnings } = triggers.schedules();
  const outputs = model.outputs();
  const mappings = triggers.eventSources();
  for (const { settings, target } of mappings) {
    refuseToPollWithoutGrant(sessions.get(accessKeyIdOf(target.settings.name)), settings.queueArn);
  }

  const ofAll = (end: (each: LambdaFunction) => Promise<void>) =>
    Promise.all(Object.values(functions).map(end));
  for (const target of triggers.targets) target.warm();
  try {
    await provision(model, emulators, sqs, ground);
  } catch (error) {
    await ofAll((each) => each.close());
    throw error;
  }
  await feed(mappings, ground);
  const timers = schedules.map(({ intervalMs, fire }) =>
    setInterval(fire, Math.min(intervalMs, TIMER_MAX_MS)),
  );
  gateway.serve(apiId, routes);
  const endBy = async (end: (each: LambdaFunction) => Promise<void>) => {
    for (const timer of timers) clearInterval(timer);
    await ofAll(end);
  };
  return {
    ...{ model, outputs, functions },
    warnings: [...unsupportedProperties(stack.template), ...warnings],
    retire: () => endBy((each) => each.retire()),
    close: () => endBy((each) => each.close()),
  };
}

/** A queue that had a consumer keeps it, which calls another function from now on: no message is lost in between. */
async function feed(
  mappings: ReturnType<Triggers['eventSources']>,
  { sqs, eventSources }: Ground,
): Promise<void> {
  const fed = new Set(mappings.map(({ settings }) => settings.queueUrl));
  const unfed = [...eventSources].filter(([queueUrl]) => !fed.has(queueUrl));
  for (const [queueUrl, eventSource] of unfed) {
    eventSource.stop();
    eventSources.delete(queueUrl);
  }
  for (const { settings, target } of mappings) {
    const invoke = (event: unknown) => target.invoke(event);
    const present = eventSources.get(settings.queueUrl);
    if (present) present.update(settings, invoke);
    else eventSources.set(settings.queueUrl, new EventSource(sqs, settings, invoke));
  }
  await Promise.all(unfed.map(([, eventSource]) => eventSource.closed()));
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
