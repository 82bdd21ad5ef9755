/**
 * Status 0: the console itself did not answer.
 * @param {string} client @param {string} path
 * @param {{method?: string, body?: object, headers?: Record<string, string>}} [options]
 * @returns {Promise<{status: number, body: any}>}
 */
export async function ask(client, path, { method = 'GET', body, headers = {} } = {}) {
  const response = await fetch(`/api/${encodeURIComponent(client)}/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
  }).catch(() => null);
  if (!response) return { status: 0, body: { detail: 'The local system does not answer.' } };
  return { status: response.status, body: await response.json().catch(() => null) };
}

/** Asks the console itself; null when it has no answer. @param {string} path @param {object} [body] */
export async function local(path, body) {
  const options = body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, options).catch(() => null);
  return response?.ok ? response.json() : null;
}
