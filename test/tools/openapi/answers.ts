import { type Described, type Description, faultIn, readText, type Schema } from './description.ts';
import type { Answer } from './send.ts';
import type { Verdict } from './verdict.ts';

/** Headers that need no mention: they are HTTP's own. */
const OF_HTTP = [
  ...['cache-control', 'connection', 'content-length', 'content-type', 'date', 'keep-alive'],
  'x-content-type-options',
];

/** What an answer has in it that the document does not say, or lacks that the document promises. */
export function faultsInAnswer(
  answer: Answer,
  { operation, methods, statuses, why }: Verdict,
  method: string,
  { schemas }: Description,
): string[] {
  const { status } = answer;
  if (!statuses.includes(status)) return [`it is none of ${statuses.join(', ')}, although ${why}`];
  const described = operation?.responses[status] ?? unlisted(status, schemas);
  const allowed = status === 405 ? answer.headers.allow?.split(', ') : methods;
  if (String(allowed?.toSorted()) !== String(methods.toSorted())) return [`it allows ${allowed}`];
  return [...faultsInHeaders(answer, described), ...faultsInBody(answer, described, method)];
}

/** What is answered where the document lists nothing: there is no such operation, or the gateway steps in. */
function unlisted(status: number, schemas: Description['schemas']): Described {
  const [mediaType, schema] =
    status === 413
      ? ['application/json', schemas['GatewayError']]
      : ['application/problem+json', schemas['Problem']];
  return {
    description: '`unauthenticated` `not_found` `method_not_allowed`',
    headers: {
      ...(status === 401 && { 'WWW-Authenticate': { required: true, schema: {} } }),
      ...(status === 405 && { Allow: { required: true, schema: {} } }),
    },
    content: { [mediaType as string]: { schema: schema as Schema } },
  };
}

function faultsInHeaders({ headers }: Answer, described: Described): string[] {
  const faults: string[] = [];
  const documented = new Map(
    Object.entries(described.headers ?? {}).map(([name, header]) => [name.toLowerCase(), header]),
  );
  for (const [name, { required, schema }] of documented) {
    const value = headers[name];
    if (value === undefined && required) faults.push(`the header ${name} is missing`);
    const fault = value !== undefined && faultIn(readText(String(value), schema), schema);
    if (fault) faults.push(`the header ${name} is "${value}"${fault}`);
  }
  const others = Object.keys(headers).filter((name) => !OF_HTTP.includes(name) && !documented.has(name));
  return [...faults, ...others.map((name) => `the header ${name} is not documented`)];
}

function faultsInBody({ status, headers, body }: Answer, described: Described, method: string): string[] {
  if (method === 'HEAD' || !described.content) return body === '' ? [] : ['it has a body'];
  const mediaType = (headers['content-type'] ?? '').split(';')[0] ?? '';
  const content = described.content[mediaType];
  if (!content) return [`its content type is ${mediaType}`];
  const json = JSON.parse(body);
  const fault = faultIn(json, content.schema);
  if (fault) return [`its body${fault}`];
  if (mediaType !== 'application/problem+json') return [];
  const faults = json.status === status ? [] : [`its body says ${json.status}`];
  const isCodeSaid = described.description.includes(`\`${json.code}\``);
  return isCodeSaid ? faults : [...faults, `the code ${json.code} is not documented for it`];
}
