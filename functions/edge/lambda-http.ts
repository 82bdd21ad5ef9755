import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { LaterFormat } from '../core/format.ts';
import { problem } from '../core/http/problem.ts';
import type { Answer, Request } from '../core/http/request-answer.ts';
import { requestTraceId } from '../core/trace.ts';
import { flushAggregates, logger } from './log.ts';

/** Strangers may send many requests per second, and a log line for each would cost more than its answer. */
const FLUSH_EVERY_MILLIS = 60_000;

/** For a job that must wait for the later release, which may take days. */
const LATER_RETRY_SECONDS = 60;

type HttpHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/** Makes a Lambda handler for API Gateway's HTTP API (payload format 2.0). Any error that is thrown becomes a 500. */
export function lambdaHttp(answer: (request: Request) => Promise<Answer>): HttpHandler {
  return async (event) => {
    const request = asRequest(event);
    const { status, headers, body } = await answer(request).catch((error: unknown) => {
      const [, job_id] = /^\/v1\/jobs\/([\w-]{1,128})(\/|$)/.exec(request.path) ?? [];
      const { requestId: request_id } = request;
      const fields = { request_id, trace_id: requestTraceId(request), job_id, error: redactedError(error) };
      logger.error('request failed', fields);
      // A client that retries automatically must not create a job again that may exist.
      const mayRepeat = request.method !== 'POST' || request.headers['idempotency-key'] !== undefined;
      const headers: Record<string, string> = mayRepeat ? {} : { 'x-should-retry': 'false' };
      if (!(error instanceof LaterFormat)) return problem('internal_error', request.requestId, { headers });
      headers['retry-after'] = String(LATER_RETRY_SECONDS);
      return problem('job_unavailable', request.requestId, { headers });
    });
    flushAggregates({}, FLUSH_EVERY_MILLIS);
    return {
      statusCode: status,
      headers: { ...headers, 'x-content-type-options': 'nosniff' },
      body: request.method === 'HEAD' ? '' : body,
    };
  };
}

/** An invocation that did not come through the gateway may lack anything. */
function asRequest(event: Partial<APIGatewayProxyEventV2> | null): Request {
  const { requestContext, rawPath, rawQueryString, headers, body, isBase64Encoded } = event ?? {};
  return {
    method: requestContext?.http?.method ?? '',
    path: rawPath ?? '',
    query: rawQueryString ?? '',
    headers: headers ?? {},
    body: Buffer.from(String(body ?? ''), isBase64Encoded ? 'base64' : 'utf8'),
    requestId: requestContext?.requestId ?? '',
  };
}

/** Node's errors have a `code`, the SDK's `$metadata`, and what `describingErrors` adds. */
type Thrown = Error & {
  [name in 'code' | 'service' | 'call']?: string;
} & { $metadata?: { httpStatusCode?: number } };

/** An error's message may quote data, so only its name and where it came from are logged. */
export function redactedError(thrown: unknown) {
  const error: Thrown = thrown instanceof Error ? thrown : new Error('not an error');
  const { name, message, stack = '', code, service, call, $metadata } = error;
  const trace = stack.slice(stack.indexOf(message) + message.length);
  const frames = trace.split('\n').filter((line) => /^\s+at /.test(line));
  const status = $metadata?.httpStatusCode;
  return { name, code, service, call, status, stack: frames.slice(0, 8).join('\n') };
}
