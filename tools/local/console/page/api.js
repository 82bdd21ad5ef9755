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

/**
 * @param {string} client @param {File} file @param {(share: number) => void} onProgress
 * @returns {Promise<string>} the id of the upload
 * @throws with a sentence when it is not taken
 */
export function upload(client, file, onProgress) {
  const format = file.name.endsWith('.json') ? 'json' : 'jsonl';
  const request = new XMLHttpRequest();
  request.open('PUT', `/upload?${new URLSearchParams({ client, format })}`);
  request.responseType = 'json';
  request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / (total || 1)));
  return new Promise((resolve, reject) => {
    request.addEventListener('load', () => {
      if (request.status === 201) resolve(request.response.upload_id);
      else
        reject(
          new Error(
            request.response?.errors?.[0]?.message ?? request.response?.detail ?? 'It was not taken.',
          ),
        );
    });
    request.addEventListener('error', () => reject(new Error('The local system does not answer.')));
    request.send(file);
  });
}
