import { once } from 'node:events';
import { request as call, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** The keys of the clients, by their names: the page knows the names alone. */
export type ClientKeys = Readonly<Record<string, string>>;

export interface Forwarded {
  status: number;
  contentType: string;
  body: string;
}

/** `/api/<client>/v1/…` is asked of the API with that client's key. */
export async function forward(
  { method = 'GET', headers }: IncomingMessage,
  body: string,
  url: URL,
  { apiUrl, keys }: { apiUrl: string; keys: ClientKeys },
): Promise<Forwarded> {
  const [, client = '', path = ''] = /^\/api\/([^/]+)(\/v1\/.*)$/.exec(url.pathname) ?? [];
  const key = Object.hasOwn(keys, client) ? keys[client] : undefined;
  if (key === undefined) return { status: 404, contentType: 'application/json', body: '{}' };
  const idempotencyKey = headers['idempotency-key'];
  const answer = await fetch(`${apiUrl}${path}${url.search}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(typeof idempotencyKey === 'string' && { 'idempotency-key': idempotencyKey }),
    },
    ...(method === 'POST' && { body }),
  });
  const contentType = answer.headers.get('content-type') ?? 'application/json';
  return { status: answer.status, contentType, body: await answer.text() };
}

/** A page may not send to the bucket, which is another origin: `PUT /upload?client=…&format=…` does it for it. */
export async function upload(
  file: IncomingMessage,
  { searchParams }: URL,
  { apiUrl, keys }: { apiUrl: string; keys: ClientKeys },
): Promise<Forwarded> {
  const client = searchParams.get('client') ?? '';
  const key = Object.hasOwn(keys, client) ? keys[client] : undefined;
  const said = { bytes: Number(file.headers['content-length']), format: searchParams.get('format') };
  const answer = await fetch(`${apiUrl}/v1/uploads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(said),
  });
  const begun = await answer.text();
  if (answer.status === 201) {
    const { url, headers, method } = JSON.parse(begun);
    const put = call(url, { method, headers });
    const answered = once(put, 'response');
    await pipeline(file, put);
    const [response] = await answered;
    const said = await text(response);
    if (response.statusCode !== 200) throw new Error(`The bucket answered ${response.statusCode}: ${said}`);
  }
  // Read to its end, as a client that is cut off while sending gets no answer.
  file.resume();
  return { status: answer.status, contentType: 'application/json', body: begun };
}
