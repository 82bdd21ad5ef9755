import type { IncomingMessage } from 'node:http';

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
