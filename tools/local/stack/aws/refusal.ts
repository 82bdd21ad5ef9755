import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Call } from './call.ts';

/** An error as AWS would answer it. */
export interface Refusal {
  code: string;
  message: string;
  /** 400 where it is not said. */
  status?: number;
  /** What S3 adds. */
  details?: Record<string, string>;
}

export function sendRefusal(
  response: ServerResponse,
  { service, method }: Pick<Call, 'service' | 'method'>,
  refusal: Refusal,
): void {
  const { code, message, status = 400 } = refusal;
  const requestId = randomUUID();
  if (service === 's3') {
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': requestId });
    return void response.end(method === 'HEAD' ? undefined : errorDocument(refusal, requestId));
  }
  const name = code === 'AccessDenied' ? 'AccessDeniedException' : code;
  response.writeHead(service === 'sqs' ? status : 400, {
    'content-type': `application/x-amz-json-1.${service === 'secretsmanager' ? 1 : 0}`,
    'x-amzn-requestid': requestId,
    // The name that SQS had for it before it spoke JSON, which is the one that its clients show.
    ...(service === 'sqs' && { 'x-amzn-query-error': `${code};Sender` }),
  });
  response.end(JSON.stringify({ __type: `com.amazon.coral.service#${name}`, message }));
}

export function errorDocument({ code, message, details = {} }: Refusal, requestId: string): string {
  const members = { Code: code, Message: message, ...details, RequestId: requestId, HostId: 'local' };
  const elements = Object.entries(members).map(([name, text]) => `<${name}>${escaped(text)}</${name}>`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${elements.join('')}</Error>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
