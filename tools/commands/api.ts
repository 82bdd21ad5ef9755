import { setTimeout as sleep } from 'node:timers/promises';
import { retryAfterOf } from '../../functions/core/http/retry-after.ts';
import { tell, UsageError } from './command.ts';
import { CliError } from './error-message.ts';

/** API Gateway gives up after 30 s. */
const ANSWER_DEADLINE_MILLIS = 35_000;
/** However soon the API says: its 0 would be asked again as fast as the network goes. */
const WAIT_MIN_SECONDS = 0.5;
/** Nothing was done, or nothing that the same request would not find. */
const WORTH_REPEATING = new Set([429, 500, 503]);

/** The public API of a deployment, as an app calls it. */
export interface Api {
  url: string;
  key: string;
}

interface Refusal {
  code?: string;
  detail?: string;
  errors?: { pointer: string; message: string }[];
}

export interface Answer<Body> {
  status: number;
  /** Null: it is no JSON. */
  body: (Partial<Body> & Refusal) | null;
  retryAfterSeconds: number;
}

async function call<Body>({ url, key }: Api, path: string, init: RequestInit = {}): Promise<Answer<Body>> {
  const headers = { authorization: `Bearer ${key}`, ...init.headers };
  const signal = AbortSignal.timeout(ANSWER_DEADLINE_MILLIS);
  const response = await fetch(url + path, { ...init, headers, signal, redirect: 'manual' });
  const asked = retryAfterOf(Object.fromEntries(response.headers), Date.now()) ?? 1;
  return {
    status: response.status,
    body: (await response.json().catch(() => null)) as Answer<Body>['body'],
    retryAfterSeconds: Math.max(asked, WAIT_MIN_SECONDS),
  };
}

/** Calls again for as long as that may help and `until` has not come. */
export async function callPatiently<Body>(
  until: number,
  ...request: Parameters<typeof call>
): Promise<Answer<Body>> {
  for (;;) {
    const answer = await call<Body>(...request);
    const waitMillis = answer.retryAfterSeconds * 1000;
    if (!WORTH_REPEATING.has(answer.status) || performance.now() + waitMillis > until) return answer;
    tell(`${refusalIn(answer)} Again in ${answer.retryAfterSeconds} s.`);
    await sleep(waitMillis);
  }
}

/**
 * What may be larger than an answer can be. It lies elsewhere, where the key must not be sent, and may take as long as it does.
 * @throws a CliError when it is not to be had
 */
export async function download({ url, key }: Api, path: string, headers: Record<string, string>) {
  const authorization = `Bearer ${key}`;
  const first = await fetch(url + path, { headers: { ...headers, authorization }, redirect: 'manual' });
  const location = first.headers.get('location');
  const response = first.status === 307 && location ? await fetch(location) : first;
  if (response.ok && response.body) return response.body;
  const body = (await response.json().catch(() => null)) as Answer<unknown>['body'];
  throw new CliError(refusalIn({ status: response.status, body, retryAfterSeconds: 0 }));
}

export function refusalIn({ status, body }: Answer<unknown>): string {
  if (!body?.code) return `The URL answered ${status}, and not as this API does.`;
  const faults = (body.errors ?? []).map(({ pointer, message }) => `\n  ${pointer}: ${message}`);
  return `The API answered ${status} ${body.code}: ${body.detail}${faults.join('')}`;
}

export function urlIn(text: string): string {
  if (!/^https?:\/\/[^\s?#@\\]+$/.test(text) || !URL.canParse(text))
    throw new UsageError('--url must be an http(s) URL without user name, query or fragment');
  if (/\/v1(\/|$)/.test(text)) throw new UsageError('--url must be without /v1 and what follows');
  return text.replace(/\/+$/, '');
}

/** What cannot stand in a header would be in Node's error message. */
export function keyIn(text: string): string {
  if (/^[!-~]+$/.test(text)) return text;
  throw new UsageError('--key must be a client key, msj_…');
}
