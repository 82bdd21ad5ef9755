import { Ajv2020, type AnySchemaObject } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

export type Schema = AnySchemaObject;

interface Content {
  [mediaType: string]: { schema: Schema };
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required?: boolean;
  schema: Schema;
}

export interface Described {
  description: string;
  headers?: Record<string, { required?: boolean; schema: Schema }>;
  content?: Content;
}

export interface Operation {
  id: string;
  method: string;
  /** Such as `/v1/jobs/{job_id}`. */
  path: string;
  /** Null: open to everyone. */
  scope: string | null;
  parameters: Parameter[];
  requestBody: { required: boolean; content: Content } | null;
  responses: Record<string, Described>;
}

/** An OpenAPI document as a client reads it: every reference followed, nothing taken from the code behind it. */
export interface Description {
  operations: Operation[];
  schemas: Record<string, Schema>;
  webhook: { parameters: Parameter[]; content: Content };
}

// biome-ignore lint/suspicious/noExplicitAny: a document is any JSON until a schema has judged it
type Any = any;

export function readDescription(document: Any): Description {
  const { paths, webhooks, components, security } = followed(document, document);
  const operations = Object.entries<Any>(paths).flatMap(([path, methods]) =>
    Object.entries<Any>(methods).map(([method, said]) => ({
      id: said.operationId,
      method: method.toUpperCase(),
      path,
      scope: (said.security ?? security).length === 0 ? null : scopeIn(said.description),
      parameters: said.parameters ?? [],
      requestBody: said.requestBody ?? null,
      responses: said.responses,
    })),
  );
  const { parameters, requestBody } = webhooks.job.post;
  const webhook = { parameters, content: requestBody.content };
  return { operations, schemas: components.schemas, webhook };
}

/** Replaces each reference by what it refers to. No schema of ours refers to itself. */
function followed(node: Any, document: Any): Any {
  if (Array.isArray(node)) return node.map((item) => followed(item, document));
  if (typeof node !== 'object' || node === null) return node;
  if (typeof node.$ref !== 'string') {
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, followed(value, document)]));
  }
  const target = node.$ref.slice('#/'.length).split('/');
  return followed(
    target.reduce((value: Any, name: string) => value[name], document),
    document,
  );
}

function scopeIn(description: string): string {
  const [, scope] = /Needs the scope (\S+)\.$/.exec(description) ?? [];
  if (scope === undefined) throw new Error(`It does not say which scope it needs: ${description}`);
  return scope;
}

const OPTIONS = { strict: true, allErrors: true };
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
const isCalendarTime = formats.default(new Ajv2020()).compile({ type: 'string', format: 'date-time' });
const ajv = formats.default(new Ajv2020(OPTIONS));
// The plugin's own format also takes a blank for the T and an offset without minutes.
ajv.addFormat('date-time', (text: string) => RFC_3339.test(text) && isCalendarTime(text));

/** What a value lacks to be what the schema says; null when it lacks nothing. */
export function faultIn(value: unknown, schema: Schema): string | null {
  const validate = ajv.compile(schema);
  return validate(value) ? null : ajv.errorsText(validate.errors, { dataVar: '' });
}

/** Parameters and headers are text; a number is written in one way only. */
export function readText(text: string, { type }: Schema): string | number {
  return type === 'integer' && /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : text;
}

/** The operations of a path. There are none when one of its parameters is not what its schema says. */
export function operationsAt({ operations }: Description, path: string): Operation[] {
  const segments = decoded(path).split('/');
  return operations.filter((operation) => matches(operation, segments));
}

function matches({ path, parameters }: Operation, segments: string[]): boolean {
  const template = path.split('/');
  if (template.length !== segments.length) return false;
  return template.every((part, index) => {
    const segment = segments[index] ?? '';
    const parameter = parameters.find(({ name }) => part === `{${name}}`);
    return parameter ? faultIn(segment, parameter.schema) === null : part === segment;
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
