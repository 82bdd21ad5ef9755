import type { IncomingMessage, ServerResponse } from 'node:http';

/** The page may load the files next to it, and nothing else from anywhere. */
const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
const BODY_MAX_BYTES = 16 * 1024 * 1024;

export class BodyTooLarge extends Error {}

export function json(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', JSON.stringify(body));
}

export function send(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...SAFE_HEADERS, 'content-type': type }).end(body);
}

/** @throws {BodyTooLarge} */
export async function bodyOf(request: IncomingMessage, maxBytes = BODY_MAX_BYTES): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  // Read to its end, as a client that is cut off while sending gets no answer.
  if (bytes > maxBytes) throw new BodyTooLarge();
  return Buffer.concat(chunks).toString();
}

/** What a page of another site could send without asking first is not JSON. */
export function isJson({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('application/json') ?? false;
}
