import { AWS_TRIES, AWS_TRY_MILLIS } from '../core/limits.ts';

const requestHandler = { requestTimeout: AWS_TRY_MILLIS, throwOnRequestTimeout: true };

/** For AWS clients. By default, the SDK waits forever, tries some services more often than others, and builds its stack for each call. */
export const awsSettings = {
  cacheMiddleware: true,
  maxAttempts: AWS_TRIES,
  requestHandler: { ...requestHandler, socketTimeout: AWS_TRY_MILLIS },
};
/** To Node, a socket that sends a large object over TLS looks idle: document-bucket.ts sets the time for its calls. */
export const s3Settings = { maxAttempts: AWS_TRIES, requestHandler };

interface Client {
  config: { signer(scheme: never): Promise<object> };
  middlewareStack: { add(around: never, options: never): void; remove(name: string): boolean };
}

/**
 * Makes the errors of a client say which call of which service failed, which the SDK's do not. Its log, which goes nowhere, is left
 * out, and its signer is made once, not for each call.
 */
export function describingErrors<C extends Client>(client: C): C {
  client.middlewareStack.remove('loggerMiddleware');
  const { signer } = client.config;
  let made: Promise<object> | undefined;
  client.config.signer = (scheme) => (made ??= signer(scheme));
  const around =
    (next: (input: object) => Promise<object>, context: { clientName: string; commandName: string }) =>
    (input: object) =>
      next(input).catch((error: object) => {
        throw Object.assign(error, { service: context.clientName, call: context.commandName });
      });
  client.middlewareStack.add(around as never, { step: 'initialize' } as never);
  return client;
}
