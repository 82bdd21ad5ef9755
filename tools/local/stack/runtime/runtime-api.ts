import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { arn } from '../identities.ts';
import type { FunctionSettings, RuntimeEvents } from './runtime.ts';
import type { InvocationMessage, WorkerMessage } from './worker.ts';

/** The Runtime API of one environment: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html */
export interface RuntimeApi {
  server: Server;
  run(invocation: InvocationMessage): void;
}

export function createRuntimeApi(
  { name }: Pick<FunctionSettings, 'name'>,
  { onMessage }: Pick<RuntimeEvents, 'onMessage'>,
): RuntimeApi {
  let invoked = Promise.withResolvers<InvocationMessage>();
  let outcome: WorkerMessage = { type: 'ready' };
  // A function may think for longer than a server keeps an idle connection.
  const server = createServer({ keepAliveTimeout: 0 }, async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://runtime');
    if (pathname.endsWith('/invocation/next')) {
      // Only who asks for the next one is done with the last one.
      onMessage(outcome);
      const { requestId, deadlineMs, event } = await invoked.promise;
      invoked = Promise.withResolvers();
      const headers = {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': requestId,
        'lambda-runtime-deadline-ms': String(deadlineMs),
        'lambda-runtime-invoked-function-arn': arn('lambda', `function:${name}`),
      };
      return void response.writeHead(200, headers).end(event);
    }
    const body = await text(request);
    // What goes wrong before the first invocation is in the log, and ends the process.
    if (pathname.endsWith('/response')) outcome = { type: 'result', result: body };
    else outcome = { type: 'failure', failure: { trace: [], ...JSON.parse(body) } };
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
  });
  return { server, run: (invocation) => invoked.resolve(invocation) };
}
