/** As much of JSON Schema as our document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  description?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  propertyNames?: Schema;
  required?: string[];
  additionalProperties?: Schema | boolean;
}

const FORMATS: Record<string, string> = { 'date-time': 'time as RFC 3339', uri: 'URL' };

/** What a value must be, in words. */
export function ruleOf(schema: Schema): string {
  const rule = kindOf(schema);
  return schema.default === undefined ? rule : `${rule}, default ${code(schema.default)}`;
}

function kindOf(schema: Schema): string {
  const { $ref, const: only, enum: choice, pattern, minLength, maxLength, minimum, maximum } = schema;
  if ($ref !== undefined) return `[${nameIn($ref)}](#${nameIn($ref).toLowerCase()})`;
  if (only !== undefined) return code(only);
  if (choice) return choice.map(code).join(', ');
  const branches = branchesOf(schema);
  if (branches.length > 0) return [...new Set(branches.map(ruleOf))].join(' or ');
  switch (schema.type) {
    case 'string':
      if (schema.format) return FORMATS[schema.format] ?? schema.format;
      return `text${within(minLength, maxLength, ' characters')}${pattern ? `, matching ${code(pattern)}` : ''}`;
    case 'integer':
      return `whole number${within(safe(minimum), safe(maximum))}`;
    case 'number':
      return `number${within(minimum, maximum)}`;
    case 'array':
      if (schema.maxItems === 0) return 'empty array';
      return `array${within(schema.minItems, schema.maxItems, ' items')}, each ${ruleOf(schema.items ?? {})}`;
    case 'object':
      return objectRule(schema);
    default:
      return String(schema.type ?? 'any JSON');
  }
}

function objectRule({ properties, propertyNames, additionalProperties, maxProperties }: Schema): string {
  if (properties || typeof additionalProperties !== 'object') return 'object';
  const names = propertyNames ? `; names: ${ruleOf(propertyNames)}` : '';
  return `object${within(undefined, maxProperties, ' members')}; values: ${ruleOf(additionalProperties)}${names}`;
}

export function nameIn(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1);
}

function branchesOf({ anyOf, oneOf, type }: Schema): Schema[] {
  return anyOf ?? oneOf ?? (Array.isArray(type) ? type.map((each) => ({ type: each })) : []);
}

/** Bounds that every whole number in JSON has say nothing. */
function safe(bound: number | undefined): number | undefined {
  return bound !== undefined && Math.abs(bound) === Number.MAX_SAFE_INTEGER ? undefined : bound;
}

function within(least: number | undefined, most: number | undefined, unit = ''): string {
  if (least !== undefined && most !== undefined) return `, ${least}–${most}${unit}`;
  if (least !== undefined) return `, at least ${least}${unit}`;
  return most === undefined ? '' : `, at most ${most}${unit}`;
}

const code = (value: unknown) => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

interface Field {
  path: string;
  isRequired: boolean;
  /** Of a field that only one of several kinds of object has: the `type` of that kind. */
  kind: string | null;
  schema: Schema;
}

/** The fields of an object and of those inside it, as rows: path, whether it is required, rule. */
export function fieldRows(schema: Schema): string[][] {
  const byPath = Map.groupBy(fieldsIn(schema, '', null), ({ path }) => path);
  return [...byPath].map(([path, fields]) => {
    const rules = new Set(fields.map((field) => ruleOf(field.schema)));
    const notes = new Set(fields.flatMap((field) => field.schema.description ?? []));
    return [code(path), requirement(fields), sentences([...rules].join(' or '), ...notes)];
  });
}

/** A rule, then how it is described. */
export function sentences(rule: string, ...notes: string[]): string {
  return notes.length === 0 ? rule : [`${rule}.`, ...notes].join(' ');
}

function requirement([field, ...others]: Field[]): string {
  if (!field?.isRequired) return 'no';
  return field.kind !== null && others.length === 0 ? `with type ${code(field.kind)}` : 'yes';
}

function* fieldsIn(schema: Schema, path: string, kind: string | null): Generator<Field> {
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`;
    yield { path: at, isRequired: schema.required?.includes(name) ?? false, kind, schema: inner };
    yield* fieldsIn(inner, at, null);
  }
  if (schema.items) yield* fieldsIn(schema.items, `${path}[]`, null);
  for (const branch of branchesOf(schema)) {
    const type = branch.properties?.['type']?.const;
    yield* fieldsIn(branch, path, typeof type === 'string' ? type : null);
  }
}
