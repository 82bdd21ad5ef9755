import { type Description, faultIn, type Operation, operationsAt, readText } from './description.ts';
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
  /** The methods of the path. */
  methods: string[];
  statuses: number[];
  why: string;
}

/** How a request is refused that is not what the document asks for. */
const MALFORMED = [400, 413, 415];
const BODY_MAX_BYTES = 4 * 1024 * 1024;
/** The gateway itself takes no more, whoever asks for whatever. */
const GATEWAY_MAX_BYTES = 6 * 1024 * 1024;

/** A request taken apart. */
interface Parts {
  query: URLSearchParams;
  headers: Headers;
  bytes: number;
  /** '' when it is not in UTF-8. */
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a body is any JSON; undefined when it is none at all
  body: any;
  known: Known;
}

/** Rules that a request can break without the document saying so, as it has no words for them. */
const UNSAID: [rule: string, isBroken: (parts: Parts) => boolean][] = [
  ['charsets but UTF-8 are refused', ({ headers }) => isCharsetOdd(headers.get('content-type') ?? '')],
  ['encoded bodies are refused', ({ headers }) => headers.get('content-encoding') === 'gzip'],
  ['a body has at most 4 MiB', ({ bytes }) => bytes > BODY_MAX_BYTES],
  ['no lone surrogates', ({ text }) => /\\ud[89a-f]/i.test(text)],
  ['no ".." in a model_id', ({ body }) => /\.\./.test(body?.model_id)],
  [
    'a webhook_url is public',
    ({ body, known }) => typeof body?.webhook_url === 'string' && !known.isWebhookUrl(body.webhook_url),
  ],
  ['metadata is printable', ({ body }) => isMetadataOdd(body?.metadata)],
  [
    'a cursor was given before',
    ({ query, known }) => query.getAll('cursor').some((text) => text !== '' && !known.isCursor(text)),
  ],
  ['no leap seconds', ({ query }) => [...query.values()].some((text) => text.includes(':60'))],
  ['a member is given once', ({ text }) => isModelRepeated(text)],
  [
    'a deployment may forbid it, and a job that may not wait cannot have it',
    ({ body }) => body?.on_unknown === 'resubmit',
  ],
  ['a deployment names its destinations', ({ body }) => typeof body?.destination === 'string'],
  [
    'either messages or an upload',
    ({ body }) => (body?.messages === undefined) === (body?.messages_from === undefined),
  ],
  ['no retries of a job that may not wait', ({ body }) => body?.task_retries > 0 && body?.queue_for === 0],
  ['no upload of a job that may not wait', ({ body }) => body?.messages_from && body?.queue_for === 0],
  ['models may ask for more', ({ body }) => body?.model_id === 'sandbox-vision'],
];

export function verdictOn(request: Request, caller: Caller, description: Description, known: Known): Verdict {
  const here = operationsAt(description, request.path);
  // HTTP's own rule: who may GET may ask for the headers alone.
  const methods = here.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : method));
  const asked = request.method === 'HEAD' ? 'GET' : request.method;
  const operation = here.find(({ method }) => method === asked) ?? null;
  const verdict = (statuses: number[], why: string) => ({ operation, methods, statuses, why });
  const only = (status: number, why: string) => verdict([status], why);
  const parts = partsOf(request, known);
  if (parts.bytes > GATEWAY_MAX_BYTES) return only(413, 'the body is too large');
  const isOpen = operation !== null && operation.scope === null;
  if (!isOpen && caller.scopes === null) return only(401, 'the caller has no valid key');
  if (here.length === 0) return only(404, 'the document has no such path');
  if (!operation) return only(405, 'the document has no such method for this path');
  if (operation.scope && !caller.scopes?.includes(operation.scope))
    return only(403, 'the key lacks the scope');

  const documented = Object.keys(operation.responses).map(Number);
  const isMalformed = (status: number) => MALFORMED.includes(status);
  const faults = faultsIn(parts, operation);
  const isOfJob = operation.path.includes('{');
  const refusals = documented.filter((status) => isMalformed(status) || (isOfJob && status === 404));
  if (faults.length > 0) return verdict(refusals, faults.join('; '));
  const others = documented.filter((status) => ![401, 403].includes(status));
  const broken = UNSAID.flatMap(([rule, isBroken]) => (isBroken(parts) ? [rule] : []));
  const unmentioned = [...parts.query.keys()].filter((name) => !isMentioned(operation, name));
  const open = [...broken, ...unmentioned];
  if (open.length > 0) return verdict(others, `it is open: ${open.join('; ')}`);
  const statuses = others.filter((status) => !isMalformed(status));
  return verdict(statuses, 'it is just what the document asks for');
}

function partsOf({ query, headers, body }: Request, known: Known): Parts {
  const bytes = body ? bytesOf(body) : Buffer.alloc(0);
  const text = textIn(bytes);
  const said = { query: new URLSearchParams(query), headers: new Headers(headers) };
  return { ...said, bytes: bytes.length, text, body: jsonIn(text), known };
}

function textIn(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return '';
  }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function faultsIn({ query, headers, text, body }: Parts, { parameters, requestBody }: Operation): string[] {
  const faults: string[] = [];
  const refuse = (why: string) => void faults.push(why);
  const check = (name: string, values: string[], schema: object) => {
    if (values.length > 1) refuse(`${name} is given ${values.length} times`);
    for (const value of values) {
      const fault = faultIn(readText(value, schema), schema);
      if (fault) refuse(`${name}${fault}`);
    }
  };
  for (const { name, in: place, schema } of parameters) {
    if (place === 'query') check(name, query.getAll(name), schema);
    const header = place === 'header' ? headers.get(name) : null;
    if (header !== null) check(name, [header], schema);
  }
  const isEmpty = ['', '{}'].includes(text.trim());
  if (!requestBody || (!requestBody.required && isEmpty)) return faults;
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
  return /charset=(?!utf-8$)/i.test(contentType);
}

/** A parser keeps the last of two members of the same name, so the text tells. */
function isModelRepeated(text: string): boolean {
  return text.startsWith('{"model_id":"sandbox-never",') && /,"model_id":/.test(text);
}

function isMetadataOdd(metadata: Record<string, string> | null | undefined): boolean {
  return Object.entries(metadata ?? {})
    .flat()
    .some((text) => text === '__proto__' || /\p{Cc}/u.test(text));
}
