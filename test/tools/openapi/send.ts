import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Body, Request } from './requests.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export function bytesOf({ text, encoding, blanks }: Body): Buffer {
  return Buffer.concat([Buffer.from(text, encoding), Buffer.alloc(blanks, ' ', encoding)]);
}

/** Sends the path and headers to the letter, which `fetch` would mend. */
export function send(
  origin: string,
  { method, path, query, headers, body }: Omit<Request, 'caller'>,
  authorization: string | null,
): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const bytes = body && bytesOf(body);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ hostname, port, method, path: query === '' ? path : `${path}?${query}` });
    if (authorization !== null) outgoing.setHeader('authorization', authorization);
    if (bytes) outgoing.setHeader('content-length', bytes.length);
    for (const [name, value] of headers) outgoing.appendHeader(name, value);
    outgoing.on('error', reject);
    outgoing.on('response', async (response) => {
      try {
        let text = '';
        for await (const chunk of response.setEncoding('utf8')) text += chunk;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      } catch (error) {
        reject(error);
      }
    });
    outgoing.end(bytes ?? undefined);
  });
}
