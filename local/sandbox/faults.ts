import type { ServerResponse } from 'node:http';

/** `…_after_effect`: the request did what it asked for, and only the answer says otherwise. */
export const FAULTS = [
  'too_many_requests',
  'unavailable',
  'server_error',
  'server_error_after_effect',
  'cut',
  'cut_after_effect',
  'cut_midway',
  'not_json',
  'truncated_json',
] as const;
export type Fault = (typeof FAULTS)[number];

const WITHOUT_EFFECT: readonly Fault[] = ['too_many_requests', 'unavailable', 'server_error', 'cut'];

export function hasEffect(fault: Fault | null): boolean {
  return fault === null || !WITHOUT_EFFECT.includes(fault);
}

export type Answer = { status: number; body: unknown; headers?: Record<string, string> };

export function errorAnswer(status: number, error: string, headers: Record<string, string> = {}): Answer {
  return { status, body: { error }, headers };
}

const RETRY_AFTER = { 'Retry-After': '1' };
const TOO_MANY_REQUESTS = errorAnswer(429, 'Too many requests. Try again in a second.', RETRY_AFTER);
const UNAVAILABLE = errorAnswer(503, 'The service is unavailable. Try again in a second.', RETRY_AFTER);
export const SERVER_ERROR = errorAnswer(500, 'Something went wrong on our side.');
const NOT_JSON = '<!doctype html><title>Bad gateway</title><h1>Bad gateway</h1>';

/**
 * Sends the answer, or what the fault makes of it.
 * @returns the HTTP status that was sent, null when no whole answer was
 */
export function transmit(response: ServerResponse, answer: Answer, fault: Fault | null): number | null {
  switch (fault) {
    case null:
      return send(response, answer, JSON.stringify(answer.body));
    case 'too_many_requests':
      return transmit(response, TOO_MANY_REQUESTS, null);
    case 'unavailable':
      return transmit(response, UNAVAILABLE, null);
    case 'server_error':
    case 'server_error_after_effect':
      return transmit(response, SERVER_ERROR, null);
    case 'not_json':
      return send(response, { ...answer, headers: { 'Content-Type': 'text/html' } }, NOT_JSON);
    case 'truncated_json':
      return send(response, answer, firstHalf(JSON.stringify(answer.body)));
    case 'cut':
    case 'cut_after_effect':
      response.destroy();
      return null;
    case 'cut_midway':
      return cutMidway(response, answer);
  }
}

function send(response: ServerResponse, { status, headers }: Answer, text: string): number {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
  });
  response.end(text);
  return status;
}

function cutMidway(response: ServerResponse, { status, body }: Answer): null {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  response.write(firstHalf(text), () => response.destroy());
  return null;
}

function firstHalf(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}
