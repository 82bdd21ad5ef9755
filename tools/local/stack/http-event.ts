import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { ACCOUNT_ID } from './identities.ts';

export interface HttpRequest {
  method: string;
  rawPath: string;
  rawQueryString: string;
  message: IncomingMessage;
  body: Buffer;
}

export interface HttpResponse {
  statusCode: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'cookie',
]);
const SET_BY_THE_GATEWAY = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
]);
const TEXT = /^(text\/|application\/(?:[^;\s]+\+)?(?:json|xml|javascript)\b)/i;

/** API Gateway hands the path over decoded; one that cannot be decoded is handed over as it came. */
export function splitTarget(target: string): { rawPath: string; rawQueryString: string } {
  const [, encodedPath = '/', rawQueryString = ''] =
    /^(?:https?:\/\/[^/?]*)?([^?]*)\??(.*)$/s.exec(target) ?? [];
  return { rawPath: decodePath(encodedPath), rawQueryString };
}

/** Payload format 2.0. */
export function toEvent(
  request: HttpRequest,
  route: { routeKey: string; pathParameters: Record<string, string> },
  apiId: string,
): APIGatewayProxyEventV2 {
  const { rawPath, rawQueryString, message, body } = request;
  const cookies = message.headersDistinct['cookie']?.flatMap((header) => header.split(/;\s*/));
  const queryStringParameters = joined(new URLSearchParams(rawQueryString));
  const hasPathParameters = Object.keys(route.pathParameters).length > 0;
  return {
    version: '2.0',
    routeKey: route.routeKey,
    rawPath,
    rawQueryString,
    ...(cookies && { cookies }),
    headers: headersOf(message, body),
    ...(rawQueryString && { queryStringParameters }),
    requestContext: requestContext(request, route.routeKey, apiId),
    ...(hasPathParameters && { pathParameters: route.pathParameters }),
    ...bodyOf(message, body),
  };
}

/** A function may answer with less than a response: anything without a status code is the body of a 200. */
export function toResponse(answer: unknown): HttpResponse {
  const hasStatus = typeof answer === 'object' && answer !== null && 'statusCode' in answer;
  if (!hasStatus) {
    const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
    return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(text) };
  }
  const { statusCode, headers = {}, cookies, body = '', isBase64Encoded } = answer as Record<string, unknown>;
  if (!Number.isInteger(Number(statusCode))) throw new Error(`${statusCode} is not a status code`);
  const kept = Object.entries(headers as Record<string, unknown>)
    .map(([name, value]) => [name.toLowerCase(), String(value)] as const)
    .filter(([name]) => !SET_BY_THE_GATEWAY.has(name));
  return {
    statusCode: Number(statusCode),
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      ...Object.fromEntries(kept),
      ...(Array.isArray(cookies) && { 'set-cookie': cookies.map(String) }),
    },
    body: Buffer.from(String(body ?? ''), isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

function requestContext(
  { method, rawPath, message }: HttpRequest,
  routeKey: string,
  apiId: string,
): APIGatewayProxyEventV2['requestContext'] {
  const now = new Date();
  return {
    accountId: ACCOUNT_ID,
    apiId,
    domainName: message.headers.host ?? '',
    domainPrefix: apiId,
    http: {
      method,
      path: rawPath,
      protocol: `HTTP/${message.httpVersion}`,
      sourceIp: message.socket.remoteAddress ?? '127.0.0.1',
      userAgent: message.headers['user-agent'] ?? '',
    },
    requestId: randomUUID(),
    routeKey,
    stage: '$default',
    time: commonLogTime(now),
    timeEpoch: now.getTime(),
  };
}

function headersOf(message: IncomingMessage, body: Buffer): Record<string, string> {
  const received = Object.entries(message.headersDistinct)
    .filter(([name]) => !NOT_FORWARDED.has(name))
    .map(([name, values]) => [name, (values ?? []).join(',')] as const);
  return {
    ...Object.fromEntries(received),
    'content-length': String(body.length),
    'x-forwarded-for': message.socket.remoteAddress ?? '127.0.0.1',
    'x-forwarded-port': String(message.socket.localPort),
    'x-forwarded-proto': 'http',
  };
}

function bodyOf(message: IncomingMessage, body: Buffer): { body?: string; isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const isPlainText =
    TEXT.test(message.headers['content-type'] ?? '') && !message.headers['content-encoding'];
  if (!isPlainText) return { body: body.toString('base64'), isBase64Encoded: true };
  try {
    return {
      body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body),
      isBase64Encoded: false,
    };
  } catch {
    return { body: body.toString('base64'), isBase64Encoded: true };
  }
}

function joined(parameters: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    [...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name).join(',')]),
  );
}

function decodePath(encodedPath: string): string {
  try {
    return decodeURIComponent(encodedPath) || '/';
  } catch {
    return encodedPath;
  }
}

/** `12/Mar/2026:19:03:58 +0000` */
function commonLogTime(date: Date): string {
  const [, day, month, year, time] = date.toUTCString().split(/[ ,]+/);
  return `${day}/${month}/${year}:${time} +0000`;
}
