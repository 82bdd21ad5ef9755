import { type Description, faultIn, findOperation, type Operation, readText } from './description.ts';
import type { Caller, Request } from './requests.ts';
import { bytesOf } from './send.ts';

/** What only the run knows of the values in a request. */
export interface Known {
  /** Whether an answer gave this cursor. */
  isCursor: (text: string) => boolean;
  isWebhookUrl: (text: string) => boolean;
}

/** The statuses that a request may be answered with by the document; `why` there are no others. */
export interface Verdict {
  operation: Operation | null;
  statuses: number[];
  why: string;
}

/** How a request is refused that is not what the document asks for. */
const MALFORMED = [400, 413, 415];
const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** The gateway itself takes no more, whoever asks for whatever. */
const GATEWAY_MAX_BYTES = 6 * 1024 * 1024;

/** Of what the document forbids, what the API takes all the same. */
const TAKEN: [name: RegExp, text: RegExp][] = [
  // No seconds, 24 o'clock, the 30th of February: JavaScript has a date for each of them.
  [/^created_(after|before)$/, /^\d{4}-\d\d-\d\dT\d\d:\d\d/i],
  [/^limit$/, /^0\d+$/],
];

/** A request taken apart. */
interface Parts {
  query: URLSearchParams;
  headers: Headers;
  bytes: Buffer | null;
  // biome-ignore lint/suspicious/noExplicitAny: a body is any JSON; undefined when it is none at all
  body: any;
  known: Known;
}

/** Rules that a request can break without the document saying so, as it has no words for them. */
const UNSAID: [rule: string, isBroken: (parts: Parts) => boolean][] = [
  ['charsets but UTF-8 are refused', ({ headers }) => isCharsetOdd(headers.get('content-type') ?? '')],
  ['encoded bodies are refused', ({ headers }) => headers.get('content-encoding') === 'gzip'],
  ['a body has at most 4 MiB', ({ bytes }) => (bytes?.length ?? 0) > BODY_MAX_BYTES],
  ['no lone surrogates', ({ body }) => /\\ud[89a-f]/.test(JSON.stringify(body) ?? '')],
  ['no ".." in a model_id', ({ body }) => /\.\./.test(body?.model_id)],
  [
    'a webhook_url is public',
    ({ body, known }) => body?.webhook_url !== undefined && !known.isWebhookUrl(body.webhook_url),
  ],
  ['metadata is printable and counted in UTF-16', ({ body }) => isMetadataOdd(body?.metadata)],
  [
    'a cursor was given before',
    ({ query, known }) => query.getAll('cursor').some((text) => !known.isCursor(text)),
  ],
  ['seconds have nine digits and no leap', ({ query }) => /:60|\.\d{10}/.test(String([...query.values()]))],
  ['models may ask for more', ({ body }) => body?.model_id === 'sandbox-vision'],
];

export function verdictOn(request: Request, caller: Caller, description: Description, known: Known): Verdict {
  const { operation, isKnown } = findOperation(description, request.method, request.path);
  const only = (status: number, why: string) => ({ operation, statuses: [status], why });
  const parts = partsOf(request, known);
  if (parts.bytes && parts.bytes.length > GATEWAY_MAX_BYTES) return only(413, 'the body is too large');
  const isOpen = operation !== null && operation.scope === null;
  if (!isOpen && caller.scopes === null) return only(401, 'the caller has no valid key');
  if (!isKnown) return only(404, 'the document has no such path');
  if (!operation) return only(405, 'the document has no such method for this path');
  if (operation.scope && !caller.scopes?.includes(operation.scope))
    return only(403, 'the key lacks the scope');

  const documented = Object.keys(operation.responses).map(Number);
  const isMalformed = (status: number) => MALFORMED.includes(status);
  const faults = faultsIn(parts, operation);
  if (faults.some(({ isTaken }) => !isTaken)) {
    const why = faults.map((fault) => fault.why).join('; ');
    return { operation, statuses: documented.filter(isMalformed), why };
  }
  const others = documented.filter((status) => ![401, 403].includes(status));
  const broken = UNSAID.flatMap(([rule, isBroken]) => (isBroken(parts) ? [rule] : []));
  const unmentioned = [...parts.query.keys()].filter((name) => !isMentioned(operation, name));
  const open = [...faults.map((fault) => fault.why), ...broken, ...unmentioned];
  if (open.length > 0) return { operation, statuses: others, why: `it is open: ${open.join('; ')}` };
  const statuses = others.filter((status) => !isMalformed(status));
  return { operation, statuses, why: 'it is just what the document asks for' };
}

function partsOf({ query, headers, body }: Request, known: Known): Parts {
  const bytes = body && bytesOf(body);
  const parts = { query: new URLSearchParams(query), headers: new Headers(headers), bytes, known };
  return { ...parts, body: bytes && jsonIn(bytes) };
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

interface Fault {
  why: string;
  isTaken: boolean;
}

function faultsIn({ query, headers, body }: Parts, { parameters, requestBody }: Operation): Fault[] {
  const faults: Fault[] = [];
  const refuse = (why: string) => void faults.push({ why, isTaken: false });
  const check = (name: string, values: string[], schema: object) => {
    if (values.length > 1) refuse(`${name} is given ${values.length} times`);
    for (const text of values) {
      const fault = faultIn(readText(text, schema), schema);
      const isTaken = TAKEN.some(([names, texts]) => names.test(name) && texts.test(text));
      if (fault) faults.push({ why: `${name}${fault}`, isTaken });
    }
  };
  for (const { name, in: place, schema } of parameters) {
    if (place === 'query') check(name, query.getAll(name), schema);
    const header = place === 'header' ? headers.get(name) : null;
    if (header !== null) check(name, [header], schema);
  }
  if (!requestBody) return faults;
  const mediaType = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const content = requestBody.content[mediaType];
  if (!content) refuse(`the content type is "${mediaType}"`);
  const fault = body === undefined ? ' is no JSON' : faultIn(body, content?.schema ?? {});
  if (fault) refuse(`the body${fault}`);
  return faults;
}

function isMentioned({ parameters }: Operation, name: string): boolean {
  return parameters.some((parameter) => parameter.in === 'query' && parameter.name === name);
}

function isCharsetOdd(contentType: string): boolean {
  const [, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  return parameters.some((parameter) => parameter !== 'charset=utf-8');
}

function isMetadataOdd(metadata: Record<string, string> = {}): boolean {
  const pairs = Object.entries(metadata);
  return pairs.some(
    ([name, value]) =>
      name === '__proto__' || /\p{Cc}/u.test(name + value) || name.length > 64 || value.length > 512,
  );
}
