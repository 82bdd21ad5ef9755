import type { Sandbox } from '../../../tools/local/sandbox/server.ts';

export type Answered = { status: number; headers: Headers; body: Record<string, unknown> };
type Call = { organizationId?: string; key?: string | null; method?: string; path?: string; body?: unknown };

export const HELLO = [[{ role: 'user', content: 'Hello' }]];

/** One request, by default a create; a string or Buffer as body is sent as it is. */
export async function call(sandbox: Sandbox, options: Call = {}): Promise<Answered> {
  const {
    organizationId = sandbox.organizationId,
    key = sandbox.apiKey,
    method = 'POST',
    path = '',
  } = options;
  const { body } = options;
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(`${sandbox.baseUrl}/api/v1/organizations/${organizationId}/generate${path}`, {
    method,
    headers: key === null ? {} : { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && {
      body: isRaw ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body),
    }),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answered['body'],
  };
}

export function create(sandbox: Sandbox, model_id: string, messages: unknown = HELLO): Promise<Answered> {
  return call(sandbox, { body: { model_id, messages } });
}

export function status(sandbox: Sandbox, job: unknown): Promise<Answered> {
  return call(sandbox, { method: 'GET', path: `/${job}` });
}

/** What a call comes to, in a word. */
export async function verdict(answer: Promise<Answered>): Promise<number | 'cut' | 'not JSON'> {
  try {
    return (await answer).status;
  } catch (error) {
    return error instanceof SyntaxError ? 'not JSON' : 'cut';
  }
}
