import { SQSClient } from '@aws-sdk/client-sqs';
import type { Session } from './aws/authority.ts';
import { clientSettings } from './clients.ts';
import { deploy, type Ground } from './deployment.ts';
import { type Endpoints, startEmulators } from './emulators.ts';
import type { EventBuses } from './event-buses.ts';
import { Gateway } from './gateway.ts';
import type { LambdaFunction } from './lambda.ts';
import { readSynthesizedStack } from './template.ts';

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
  /**
   * Puts another template in the place of the one that runs, as CloudFormation does. What keeps state stays, with its
   * content and under its name; what runs already comes to its end by the code that it began with.
   * @throws when a table or a queue would have to be changed
   */
  update(templateFile: string): Promise<void>;
  close(): Promise<void>;
}

/** Runs a synthesized stack on this machine: nothing is known of its wiring but what its template says. */
export async function startLocalStack(options: LocalStackOptions): Promise<LocalStack> {
  const closing = new ClosingSteps();
  try {
    return await start(options, closing);
  } catch (error) {
    await closing.run();
    throw error;
  }
}

async function start(options: LocalStackOptions, closing: ClosingSteps): Promise<LocalStack> {
  const ground = await lay(options, closing);
  const { apiUrl, emulators } = ground;
  let current = await deploy(readSynthesizedStack(options.templateFile), ground);
  closing.add(() => Promise.all([...ground.eventSources.values()].map((each) => each.closed())));
  closing.add(() => current.close());
  closing.add(() => {
    for (const eventSource of ground.eventSources.values()) eventSource.stop();
  });
  return {
    apiUrl,
    endpoints: emulators.endpoints,
    eventBuses: emulators.eventBuses,
    get outputs() {
      return current.outputs;
    },
    get warnings() {
      return current.warnings;
    },
    get functions() {
      return current.functions;
    },
    resolve: (logicalIdOrExpression) => current.model.resolve(logicalIdOrExpression),
    async update(templateFile) {
      const before = current;
      current = await deploy(readSynthesizedStack(templateFile), ground);
      await before.retire();
    },
    close: () => closing.run(),
  };
}

async function lay(options: LocalStackOptions, closing: ClosingSteps): Promise<Ground> {
  const sessions = new Map<string, Session>();
  const emulators = await startEmulators(sessions);
  closing.add(() => emulators.close());
  const gateway = new Gateway();
  const apiUrl = await gateway.listen(options.port ?? 0);
  closing.add(() => gateway.close());
  const { endpoints } = emulators;
  const sqs = new SQSClient(clientSettings(endpoints.sqs));
  closing.add(() => sqs.destroy());
  const { parameters, secrets = {}, environment = {}, extraEnvironment = {} } = options;
  const onLog = options.onLog ?? (() => undefined);
  return {
    ...{ apiUrl, emulators, gateway, sqs, sessions, parameters, secrets },
    eventSources: new Map(),
    stores: new Map(),
    functionOptions: { sessions, endpoints, environment, extraEnvironment, onLog },
  };
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
