import fc from 'fast-check';
import type { Operation, Parameter } from './description.ts';
import { distorted, instancesOf, type Likely, mostly, oddTexts } from './instances.ts';

/**
 * A request but for what only the run knows: `{job:n}`, `{upload:n}`, `{cursor:n}` and `{run}` stand for a job, an upload and a
 * cursor that were met before, and for a name that no other run has.
 */
export interface Request {
  caller: string;
  method: string;
  path: string;
  query: string;
  headers: [name: string, value: string][];
  body: Body | null;
}

export interface Body {
  text: string;
  encoding: 'utf8' | 'latin1' | 'utf16le';
  /** How many blanks follow. */
  blanks: number;
}

/** One request, sent once or twice. */
export interface Step {
  request: Request;
  times: 'once' | 'twice in a row' | 'twice at once';
}

export interface Caller {
  name: string;
  authorization: string | null;
  /** Null: nobody that the API knows. */
  scopes: string[] | null;
  /** How often it calls, beside the others. */
  weight: number;
}

export interface Habits {
  callers: Caller[];
  likely: Likely;
}

const CREATES_MAX = 3;
const STEPS_MAX = 10;
/** More than the API takes, more than a Lambda function is given, more than a gateway takes. */
const TOO_MANY_BYTES = [4 * 1024 * 1024, 7 * 1024 * 1024, 11 * 1024 * 1024];
/** TRACE and CONNECT are no requests to an API, and others do not pass Node's own parser. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const ODD_SEGMENTS = ['', '.', '..', '%', '%ff', '%00', '%2f', '%20', 'job_', 'null', 'a'.repeat(129)];
const ODD_QUERIES = ['', '&&', '=', '%', '%ff', 'limit', 'limit=1&limit=2', 'Limit=1', 'limit[]=1', 'a=b'];
const ODD_CONTENT_TYPES = [
  ...['', 'json', 'text/plain', 'text/json', 'application/json, text/plain', 'application/jsonp'],
  ...['application/JSON', 'application/json;charset=UTF-8', 'application/json; charset=latin1'],
  ...['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/problem+json'],
];
const ODD_KEYS = ['', ' ', 'a b', 'x'.repeat(255), 'x'.repeat(256), 'é', 'a\tb', '"', '{}', ',,'];
const ODD_HEADERS: [string, string][] = [
  ['content-encoding', 'gzip'],
  ['content-encoding', 'identity'],
  ['accept', 'text/html'],
  ['accept-encoding', 'br'],
  ['range', 'bytes=0-1'],
  ['if-none-match', '*'],
  ['x-http-method-override', 'DELETE'],
  ['x-forwarded-host', 'evil.example'],
  ['cookie', 'authorization=Bearer'],
  ['x-long', 'x'.repeat(4096)],
  ['x-odd', '\xff\x80'],
  ['__proto__', 'x'],
];

/** Sequences of requests, half of them as the operations ask for, the others odd: some to make jobs, then any. */
export function sequences(operations: Operation[], habits: Habits): fc.Arbitrary<Step[]> {
  const creates = operations.filter(({ id }) => id === 'submit');
  const [first, then] = [stepsOf(creates, habits), stepsOf(operations, habits)];
  return fc
    .tuple(
      fc.array(first, { maxLength: CREATES_MAX, size: 'max' }),
      fc.array(then, { minLength: 1, maxLength: STEPS_MAX, size: 'max' }),
    )
    .map((parts) => parts.flat());
}

function stepsOf(operations: Operation[], habits: Habits): fc.Arbitrary<Step> {
  const requests = operations.map((operation) => {
    const { method, parameters, requestBody } = operation;
    // The more a request may say or do, the more there is to try.
    const weight = 1 + parameters.length + (method === 'POST' ? 1 : 0) + (requestBody?.required ? 8 : 0);
    return { weight, arbitrary: requestsTo(operation, habits) };
  });
  return fc.record<Step>({
    request: fc.oneof(...requests),
    times: mostly<Step['times']>(fc.constant('once'), fc.constantFrom('twice at once', 'twice in a row')),
  });
}

function requestsTo(operation: Operation, { callers, likely }: Habits): fc.Arbitrary<Request> {
  const { method, requestBody } = operation;
  const mediaType = Object.keys(requestBody?.content ?? {})[0];
  const path = pathsOf(operation, likely);
  return fc.record({
    caller: fc.oneof(...callers.map(({ name, weight }) => ({ weight, arbitrary: fc.constant(name) }))),
    method: mostly(fc.constant(method), fc.constantFrom(...METHODS)),
    path: mostly(path, path.chain(oddPaths)),
    query: mostly(queriesOf(operation, likely), oddQueries),
    headers: headersOf(operation, mediaType, likely),
    body: bodyOf(operation, mediaType, likely),
  });
}

function pathsOf({ path, parameters }: Operation, likely: Likely): fc.Arbitrary<string> {
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const values = fc.record(Object.fromEntries(inPath.map((each) => [each.name, valuesOf(each, likely)])));
  return values.map((given) =>
    inPath.reduce((filled, { name }) => filled.replace(`{${name}}`, () => String(given[name])), path),
  );
}

function oddPaths(path: string): fc.Arbitrary<string> {
  const segment = fc.oneof(fc.constantFrom(...ODD_SEGMENTS), fc.stringMatching(/^[!$-.0->@-~]{1,20}$/));
  return fc.oneof(
    segment.map((odd) => `${path}/${odd}`),
    segment.map((odd) => path.replace(/\{\w+:\d+\}|[^/]*$/, () => odd)),
    fc.constant(path.replace('/v1', '/V1')),
    fc.constant(`/${path}`),
  );
}

function queriesOf({ parameters }: Operation, likely: Likely): fc.Arbitrary<string> {
  const inQuery = parameters.filter((parameter) => parameter.in === 'query');
  const values = inQuery.map((each) => {
    const usual = valuesOf(each, likely).map(String);
    return [each.name, mostly(usual, oddTexts(usual))];
  });
  return fc.record(Object.fromEntries(values), { requiredKeys: [] }).map((given) =>
    Object.entries(given)
      .map(([name, value]) => `${name}=${escaped(String(value))}`)
      .join('&'),
  );
}

/** Leaves a placeholder for the run to find. */
function escaped(value: string): string {
  return encodeURIComponent(value.toWellFormed())
    .replaceAll('%7B', '{')
    .replaceAll('%7D', '}')
    .replaceAll('%3A', ':');
}

const oddQueries = fc.oneof(fc.constantFrom(...ODD_QUERIES), fc.stringMatching(/^[!$-~]{0,40}$/));

function headersOf(
  { parameters }: Operation,
  mediaType: string | undefined,
  likely: Likely,
): fc.Arbitrary<[string, string][]> {
  const given = parameters
    .filter((parameter) => parameter.in === 'header')
    .map((each) => {
      // Without a pattern, whatever may be in a header.
      const values = each.schema['pattern'] ? valuesOf(each, likely) : fc.stringMatching(/^[!-~]{0,60}$/);
      const value = mostly(values, fc.constantFrom(...ODD_KEYS));
      return fc.option(value.map((text): [string, string] => [each.name, String(text)]));
    });
  const contentType = mediaType
    ? mostly(fc.constant(mediaType), fc.constantFrom(...ODD_CONTENT_TYPES))
    : fc.constant('');
  const typed = contentType.map((type): [string, string] | null =>
    type === '' ? null : ['content-type', type],
  );
  const odd = mostly(fc.constant(null), fc.constantFrom(...ODD_HEADERS));
  return fc.tuple(typed, odd, ...given).map((headers) => headers.filter((header) => header !== null));
}

function valuesOf({ name, schema }: Parameter, likely: Likely): fc.Arbitrary<unknown> {
  const any = instancesOf(schema, likely);
  return likely[name] ? mostly(likely[name], any) : any;
}

const plain = { encoding: 'utf8', blanks: 0 } as const;
const noBody: fc.Arbitrary<Body | null> = mostly<Body | null>(
  fc.constant(null),
  fc.constant({ text: '{"odd":true}', ...plain }),
);

function bodyOf(
  { requestBody }: Operation,
  mediaType: string | undefined,
  likely: Likely,
): fc.Arbitrary<Body | null> {
  if (!requestBody || mediaType === undefined) return noBody;
  const bodies = bodiesOf(requestBody.content[mediaType]?.schema ?? {}, likely);
  return requestBody.required ? bodies : fc.oneof(noBody, bodies);
}

function bodiesOf(schema: object, likely: Likely): fc.Arbitrary<Body | null> {
  const instances = instancesOf(schema, likely);
  const texts = instances.map((value) => JSON.stringify(value));
  const asText = (text: string): Body => ({ text, ...plain });
  return fc.oneof(
    { weight: 24, arbitrary: texts.map(asText) },
    { weight: 30, arbitrary: distorted(instances).map(asText) },
    { weight: 4, arbitrary: texts.chain(garbled).map(asText) },
    { weight: 1, arbitrary: texts.chain(encoded) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(texts, fc.constantFrom(...TOO_MANY_BYTES))
        .map(([text, blanks]): Body => ({ text, encoding: 'utf8', blanks })),
    },
  );
}

/** Texts that are hardly JSON any more, or not what it was. */
function garbled(text: string): fc.Arbitrary<string> {
  return fc.oneof(
    fc.nat({ max: text.length }).map((length) => text.slice(0, length)),
    fc
      .constantFrom('1e400', '-1e400', '1e-400', '-0', '01', '9'.repeat(400), 'NaN', '9007199254740993')
      .map((number) => text.replace(/(?<=:)[\d.]+/, number)),
    fc.constantFrom(`${text}${text}`, `${text}x`, `\ufeff${text}`, `[${text}]`, `'${text}'`, '', ' ', 'null'),
    fc.nat({ max: 20_000 }).map((depth) => text.replace(/"messages":\[/, `$&${'['.repeat(depth)}`)),
    fc.nat({ max: 20_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth)),
    fc
      .nat({ max: 5000 })
      .map((depth) =>
        text.replace(/"(?=messages)/, `"deep":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)},"`),
      ),
    fc.constant(text.replace('{', '{"model_id":"sandbox-never",')),
  );
}

function encoded(text: string): fc.Arbitrary<Body | null> {
  return fc.oneof(
    fc.constant(null),
    fc
      .constantFrom('latin1' as const, 'utf16le' as const)
      .map(
        (encoding): Body => ({ text: text.replace('"messages"', '"é":1,"messages"'), encoding, blanks: 0 }),
      ),
  );
}
