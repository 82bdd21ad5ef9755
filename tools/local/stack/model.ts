import {
  ACCOUNT_ID,
  deployedApiUrl,
  type Identity,
  identify,
  nameProperty,
  PARTITION,
  type Place,
  REGION,
  URL_SUFFIX,
} from './identities.ts';
import { isTrue, resolveExpression, type Scope } from './intrinsics.ts';
import { PROVISIONED } from './resources.ts';
import type { SynthesizedStack, Template, TemplateResource } from './template.ts';

export interface ResolvedResource<Properties> {
  logicalId: string;
  constructPath: string;
  identity: Identity;
  properties: Properties;
}

/** The template with every expression answered for one laptop. */
export class StackModel {
  readonly #stack: SynthesizedStack;
  readonly #place: Place;
  readonly #parameters: Record<string, unknown>;
  readonly #scope: Scope;
  readonly #resources: Record<string, TemplateResource>;

  constructor(stack: SynthesizedStack, place: Place, parameters: Record<string, string> = {}) {
    this.#stack = stack;
    this.#place = place;
    this.#parameters = { ...defaultsOf(stack.template.Parameters), ...parameters };
    this.#scope = {
      ref: (name) => this.#pseudoParameter(name) ?? this.#parameters[name] ?? this.#identity(name)?.ref,
      attribute: (logicalId, name) => this.#identity(logicalId)?.attributes[name],
      condition: (name) => stack.template.Conditions?.[name],
      mapping: (map, key, name) => stack.template.Mappings?.[map]?.[key]?.[name],
    };
    this.#resources = Object.fromEntries(
      Object.entries(stack.template.Resources).filter(([, { Condition }]) => this.#holds(Condition)),
    );
  }

  ofType<Properties>(...types: string[]): ResolvedResource<Properties>[] {
    return Object.entries(this.#resources)
      .filter(([, { Type }]) => types.includes(Type))
      .map(([logicalId, resource]) => ({
        logicalId,
        constructPath: this.#stack.constructPaths[logicalId] ?? '',
        identity: this.#identity(logicalId) as Identity,
        properties: this.#honouredProperties(logicalId, resource) as Properties,
      }));
  }

  /** A logical id, the path of a construct, or any expression that a template could hold. */
  resolve(expression: unknown): unknown {
    if (typeof expression !== 'string') return this.#evaluate(expression);
    const logicalId = this.logicalIdOf(expression);
    if (!logicalId) throw new Error(`${this.#stack.name} has no resource ${expression}`);
    return this.#identity(logicalId)?.ref;
  }

  logicalIdOf(logicalIdOrPath: string): string | undefined {
    if (Object.hasOwn(this.#resources, logicalIdOrPath)) return logicalIdOrPath;
    return Object.keys(this.#resources).find((logicalId) => {
      const path = this.#stack.constructPaths[logicalId];
      return path === logicalIdOrPath || path === `${logicalIdOrPath}/Resource`;
    });
  }

  outputs(): Record<string, string> {
    const present = Object.entries(this.#stack.template.Outputs ?? {}).filter(([, { Condition }]) =>
      this.#holds(Condition),
    );
    return Object.fromEntries(
      present.map(([name, { Value }]) => [
        name,
        naming(`Output ${name}`, () => String(this.#evaluate(Value))),
      ]),
    );
  }

  #honouredProperties(logicalId: string, { Type, Properties }: TemplateResource): Record<string, unknown> {
    const honoured = Object.entries(Properties ?? {}).filter(([name]) =>
      PROVISIONED[Type]?.honoured.includes(name),
    );
    return Object.fromEntries(
      honoured.map(([name, expression]) => [
        name,
        naming(`${logicalId} (${Type}), ${name}`, () => this.#evaluate(expression)),
      ]),
    );
  }

  #evaluate(expression: unknown): unknown {
    return this.#localise(resolveExpression(expression, this.#scope));
  }

  #holds(condition: string | undefined): boolean {
    return condition === undefined || isTrue(condition, this.#scope);
  }

  #identity(logicalId: string): Identity | undefined {
    const resource = this.#resources[logicalId];
    if (!resource) return undefined;
    const name = resolveExpression(nameProperty(resource), this.#scope) as string | undefined;
    return identify(resource.Type, logicalId, name, this.#place);
  }

  #localise(value: unknown): unknown {
    if (typeof value === 'string') return this.#localiseText(value);
    if (Array.isArray(value)) return value.map((item) => this.#localise(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#localise(item)]));
  }

  #localiseText(text: string): string {
    const apis = Object.keys(this.#resources).filter(
      (id) => this.#resources[id]?.Type === 'AWS::ApiGatewayV2::Api',
    );
    return apis.reduce((url, id) => url.replaceAll(deployedApiUrl(id), this.#place.apiUrl), text);
  }

  #pseudoParameter(name: string): unknown {
    const pseudoParameters: Record<string, unknown> = {
      'AWS::AccountId': ACCOUNT_ID,
      'AWS::Partition': PARTITION,
      'AWS::Region': REGION,
      'AWS::StackId': `arn:${PARTITION}:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${this.#stack.name}/local`,
      'AWS::StackName': this.#stack.name,
      'AWS::URLSuffix': URL_SUFFIX,
      'AWS::NotificationARNs': [],
    };
    return pseudoParameters[name];
  }
}

function defaultsOf(parameters: Template['Parameters'] = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parameters).map(([name, { Default }]) => [name, Default]));
}

function naming<T>(place: string, evaluate: () => T): T {
  try {
    return evaluate();
  } catch (error) {
    throw new Error(`${place}: ${(error as Error).message}`, { cause: error });
  }
}
