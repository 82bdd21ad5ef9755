import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { Request } from '../admit/admit.ts';
import { type Answer, problem } from '../core/problem.ts';
import { logger } from './log.ts';

type HttpHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/** Makes a Lambda handler for API Gateway's HTTP API (payload format 2.0). Whatever is thrown becomes a 500. */
export function lambdaHttp(answer: (request: Request) => Promise<Answer>): HttpHandler {
  return async (event) => {
    const request = asRequest(event);
    const { status, headers, body } = await answer(request).catch((error: unknown) => {
      logger.error('request failed', { request_id: request.requestId, error: nameOf(error) });
      return problem('internal_error', request.requestId);
    });
    return { statusCode: status, headers, body };
  };
}

function asRequest(event: APIGatewayProxyEventV2): Request {
  return {
    method: event.requestContext.http.method,
    path: event.rawPath,
    query: event.rawQueryString ?? '',
    headers: event.headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    requestId: event.requestContext.requestId,
  };
}

/** A thrown error's message may quote what it failed on, so only its name is logged, and where it came from. */
export function nameOf(error: unknown): { name: string; stack: string } {
  const { name, message, stack = '' } = error instanceof Error ? error : new Error('not an error');
  const trace = stack.slice(stack.indexOf(message) + message.length);
  const frames = trace.split('\n').filter((line) => /^\s+at /.test(line));
  return { name, stack: frames.slice(0, 8).join('\n') };
}
