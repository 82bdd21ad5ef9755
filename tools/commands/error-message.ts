/** What was asked for did not come about. The message is a sentence. */
export class CliError extends Error {}

const OR_LOCAL = 'for the system of `npm start`, say --local';
const SIGN_IN = 'set AWS_PROFILE, or run `aws configure` or `aws sso login`';

const NOT_AWS =
  'What has answered is not AWS, but something in between, such as a proxy or its page to sign in: look at the network ' +
  'here, and at AWS_ENDPOINT_URL if it is set.';

/** For what AWS's SDK says too tersely: by its error's name or message. */
const MESSAGES: [RegExp, string][] = [
  [/^Could not load credentials/, `There are no AWS credentials: ${SIGN_IN}; ${OR_LOCAL}.`],
  [/^Region is missing/, `There is no AWS region: set AWS_REGION, or one in the AWS profile; ${OR_LOCAL}.`],
  [/^(ExpiredToken|ExpiredTokenException|RequestExpired)$/, `The AWS credentials have expired: ${SIGN_IN}.`],
  [
    /^(InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|InvalidSignatureException)$/,
    `AWS does not accept the credentials: ${SIGN_IN}.`,
  ],
  [/^bad port$/, 'The port of the URL is one that another protocol has, and no HTTP request is made to it.'],
  [/Deserialization error|^Unknown(Error)?$/, NOT_AWS],
];

/** They come with no path once a file is open. */
const DISK_FAULTS = new Set(['EDQUOT', 'EFBIG', 'EIO', 'ENOSPC']);

/** @throws a CliError when it is not there: the SDK takes any page that is well-formed XML for an answer without content */
export function answered<T>(member: T | undefined): T {
  if (member === undefined) throw new CliError(NOT_AWS);
  return member;
}

/** Says in a sentence what went wrong. */
export function messageOf(error: unknown): string {
  const { name, message, code, path } = reasonOf(error);
  if (error instanceof CliError) return message;
  const known = MESSAGES.find(([pattern]) => pattern.test(name) || pattern.test(message));
  if (known) return known[1];
  if (path !== undefined || DISK_FAULTS.has(code ?? ''))
    return `A file cannot be read or written: ${message}.`;
  const isNetwork = name === 'TimeoutError' || (code !== undefined && !code.startsWith('ERR_'));
  if (isNetwork) return `There is no connection: ${message || code}.`;
  return name === 'Error' ? message : `${name}: ${message}`;
}

/** Node's fetch, and a connection that has tried several addresses, keep the reason underneath. */
function reasonOf(error: unknown): NodeJS.ErrnoException {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (error instanceof Error) return error.cause instanceof Error ? reasonOf(error.cause) : error;
  return new Error(String(error));
}
