import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { CREDENTIALS } from '../clients.ts';
import type { Sessions } from './authority.ts';
import type { Call, CallRequest } from './call.ts';
import type { Refusal } from './refusal.ts';

/** Those that a request by link may have unsigned. */
const FREE = /^(?!x-amz-)|^x-amz-(content-sha256|date)$/;

/** What S3 refuses of a request by link: it must be the one for which the link was made, headers and all. */
export function linkRefusal(request: CallRequest, call: Call, sessions: Sessions): Refusal | undefined {
  const { query, accessKeyId } = call;
  if (call.service !== 's3' || !query.has('X-Amz-Signature')) return undefined;
  const isKnown = accessKeyId === CREDENTIALS.accessKeyId;
  const credentials = sessions.get(accessKeyId ?? '')?.credentials ?? (isKnown ? CREDENTIALS : null);
  // An administrator's own secret is known to nobody here.
  if (credentials === null) return undefined;
  const signed = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
  const unsigned = Object.keys(request.headers).filter((name) => !FREE.test(name) && !signed.includes(name));
  if (unsigned.length > 0) {
    return {
      ...{ code: 'AccessDenied', status: 403, details: { HeadersNotSigned: unsigned.join(', ') } },
      message: 'There were headers present in the request which were not signed',
    };
  }
  const given = Buffer.from(query.get('X-Amz-Signature') ?? '');
  const made = Buffer.from(signatureOf(request, query, signed, credentials.secretAccessKey));
  if (given.length === made.length && timingSafeEqual(given, made)) return undefined;
  return {
    ...{ code: 'SignatureDoesNotMatch', status: 403 },
    message:
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  };
}

/** Signature Version 4 of a request whose signature is in its query. */
function signatureOf(
  { method = '', url = '', headers }: CallRequest,
  query: URLSearchParams,
  signed: string[],
  secret: string,
): string {
  const encoded = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const parameters = [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  const canonical = [
    ...[method, url.split('?')[0], parameters.sort().join('&')],
    ...[...signed.map((name) => `${name}:${String(headers[name] ?? '').trim()}`), ''],
    ...[signed.join(';'), 'UNSIGNED-PAYLOAD'],
  ].join('\n');
  const [, ...scope] = (query.get('X-Amz-Credential') ?? '').split('/');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', query.get('X-Amz-Date'), scope.join('/'), hash].join('\n');
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();
  return hmac(scope.reduce<string | Buffer>(hmac, `AWS4${secret}`), text).toString('hex');
}

/** What S3 refuses of an object, once all of it has come. */
export function objectRefusal(
  headers: IncomingHttpHeaders,
  body: unknown,
  isThere: () => boolean,
): Refusal | undefined {
  const said = headers['x-amz-checksum-sha256'];
  // An object in signed chunks has its checksum behind them.
  if (said !== undefined && Buffer.isBuffer(body) && headers['x-amz-decoded-content-length'] === undefined) {
    const message = 'The SHA256 you specified did not match the calculated checksum.';
    if (createHash('sha256').update(body).digest('base64') !== said) return { code: 'BadDigest', message };
  }
  if (headers['if-none-match'] !== '*' || !isThere()) return undefined;
  return {
    ...{ code: 'PreconditionFailed', status: 412, details: { Condition: 'If-None-Match' } },
    message: 'At least one of the pre-conditions you specified did not hold',
  };
}
