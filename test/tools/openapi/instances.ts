import fc from 'fast-check';
import type { Schema } from './description.ts';

/** What to take for a property or parameter of this name, most of the time. */
export type Likely = Record<string, fc.Arbitrary<unknown>>;

/** Schemas allow a thousand; what matters is none, one and several. */
const ITEMS_MAX = 3;
/** Beyond this, a string of the greatest length is more than a request can carry. */
const LENGTH_MAX = 4096;

/** Twelve times the one, then once the other. */
export function mostly<T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/**
 * Instances of a JSON Schema.
 * @throws at a keyword that it does not know, rather than to make what the schema forbids
 */
export function instancesOf(schema: Schema, likely: Likely = {}): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, type } = schema;
  if ('const' in schema) return fc.constant(schema['const']);
  if ('enum' in schema) return fc.constantFrom(...schema['enum']);
  const types: Schema[] | undefined = Array.isArray(type) ? type.map((each) => ({ type: each })) : undefined;
  const alternatives: Schema[] | undefined = anyOf ?? oneOf ?? types;
  if (alternatives) return fc.oneof(...alternatives.map((each) => instancesOf(each, likely)));
  switch (type) {
    case 'string':
      return strings(schema);
    case 'integer':
      return numbers(schema, fc.integer({ min: schema['minimum'], max: schema['maximum'] }));
    case 'number': {
      const bounds = { min: schema['minimum'], max: schema['maximum'] };
      return numbers(schema, fc.double({ ...bounds, noNaN: true, noDefaultInfinity: true }));
    }
    case 'null':
      return fc.constant(null);
    case 'array': {
      const { items, minItems = 0, maxItems = ITEMS_MAX } = schema;
      return fc.array(instancesOf(items, likely), {
        minLength: minItems,
        maxLength: Math.min(maxItems, ITEMS_MAX),
      });
    }
    case 'object':
      return objects(schema, likely);
    case undefined:
      return fc.jsonValue({ maxDepth: 2 });
  }
  throw new Error(`There is no telling what this schema means: ${JSON.stringify(schema).slice(0, 200)}`);
}

/** Faults sit at the bounds. */
function numbers({ minimum, maximum }: Schema, between: fc.Arbitrary<number>): fc.Arbitrary<number> {
  const bounds = [minimum, maximum].filter((bound) => bound !== undefined);
  return bounds.length === 0 ? between : fc.oneof(between, fc.constantFrom(...bounds));
}

function strings({ format, pattern, minLength = 0, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === 'date-time') return moments;
  if (format === 'uri') return fc.webUrl();
  if (format !== undefined) throw new Error(`There is no telling what the format ${format} means`);
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, 'u'));
  const some = fc.string({ unit: 'binary', minLength, ...(maxLength !== undefined && { maxLength }) });
  if (maxLength === undefined || maxLength > LENGTH_MAX) return some;
  // JSON Schema counts code points.
  const longest = fc.constantFrom('x', '\u{1f600}').map((unit) => unit.repeat(maxLength));
  return fc.oneof({ weight: 5, arbitrary: some }, { weight: 1, arbitrary: longest });
}

const moments = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }),
    fc.constantFrom('Z', 'z', '+00:00', '-23:59', '+14:00'),
  )
  .map(([date, zone]) => date.toISOString().replace('Z', zone));

function objects(schema: Schema, likely: Likely): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties, propertyNames, maxProperties } = schema;
  const model = Object.entries<Schema>(properties).map(([name, property]) => {
    const any = instancesOf(property, likely);
    return [name, likely[name] ? mostly(likely[name], any) : any];
  });
  const named = fc.record(Object.fromEntries(model), { requiredKeys: required });
  if (!additionalProperties || !propertyNames) return named;
  const others = fc.dictionary(strings(propertyNames), instancesOf(additionalProperties, likely), {
    maxKeys: Math.min(maxProperties ?? ITEMS_MAX, ITEMS_MAX),
  });
  return fc.tuple(named, others).map(([some, more]) => ({ ...more, ...some }));
}

const ODD_NAMES = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'extra',
  'Model_Id',
  '\ud800',
  'x'.repeat(300),
];
const ODD_VALUES = [
  ...[null, true, false, -1, 0, 0.5, 1.5, 2 ** 53, 1e308, -1e308, 5e-324, [], {}, [[]], [null]],
  ...['', ' ', '1', 'null', '\ud800', '\udc00\ud800', '\u0000', '\u202e', '../..', 'x'.repeat(5000)],
  ...['data:', 'https:', 'javascript:alert(1)', 'https://169.254.169.254/', 'https://user@host.example/'],
];

/** Texts that are almost this one. */
function nearTo(text: string): string[] {
  return [
    ...[text.toUpperCase(), text.toLowerCase(), text.slice(1), text.slice(0, -1), `${text}${text}`],
    ...[` ${text}`, `${text} `, `${text}\n`, `0${text}`, `-${text}`, `+${text}`, `${text}.0`, `${text}e1`],
    ...[text.replace('T', ' '), text.replace(/T\d\d/, 'T24'), text.replace(/:\d\d\./, ':60.')],
    ...[
      text.replace(/-\d\d-\d\dT/, '-02-30T'),
      text.replace(/:\d\d\.\d+/, ''),
      text.replace('.', '.1234567890'),
    ],
  ];
}

/** Values that are almost this one. */
function near(value: unknown): unknown[] {
  if (typeof value === 'number') return [value + 1, value - 1, value * 2, value / 2, -value, String(value)];
  if (typeof value === 'string') return nearTo(value);
  if (Array.isArray(value)) return [[...value, ...value], value.slice(1), { ...value }, value[0]];
  return [[value], { value }, {}];
}

/** Texts for where one that a schema asks for belongs, most of them wrong. */
export function oddTexts(usual: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: usual.chain((text) => fc.constantFrom(...nearTo(text))) },
    { weight: 1, arbitrary: fc.constantFrom('', '0', '-1', 'null', '[]', '1e400', '9'.repeat(30), '\u0663') },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  );
}

type Change = (value: unknown) => unknown;

const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.nat({ max: 999 }).map((n) => (value: unknown) => near(value)[n % near(value).length]),
  },
  fc.constant(() => undefined),
  fc.constant((value: unknown) => [value]),
  fc.constantFrom(...ODD_VALUES).map((odd) => () => odd),
  fc.jsonValue({ maxDepth: 3 }).map((odd) => () => odd),
  fc.string({ unit: 'binary' }).map((odd) => () => odd),
  fc
    .constantFrom(...ODD_NAMES)
    .map((name) => (value: unknown) => (isObject(value) ? { ...value, [name]: 'odd' } : name)),
);

/** JSON texts of values with one place in each of them changed, for better or worse. */
export function distorted(values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc.tuple(values, fc.nat({ max: 1000 }), changes).map(([value, place, change]) => {
    const text = JSON.stringify(value);
    let places = 0;
    JSON.parse(text, (_name, each) => {
      places++;
      return each;
    });
    let turn = 0;
    const changed = JSON.parse(text, (_name, each) => (turn++ === place % places ? change(each) : each));
    return JSON.stringify(changed) ?? '';
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
