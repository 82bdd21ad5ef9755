import type { ServerResponse } from 'node:http';
import type { Dialect } from './dialects.ts';

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

export type Answer = { status: number; headers?: Record<string, string> } & (
  | { body: object }
  | { sentence: string }
);

export function errorAnswer(status: number, sentence: string, headers: Record<string, string> = {}): Answer {
  return { status, sentence, headers };
}

function textOf(answer: Answer, { refusal = (error) => ({ error }) }: Dialect): string {
  return JSON.stringify('body' in answer ? answer.body : refusal(answer.sentence, answer.status));
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
export function transmit(
  response: ServerResponse,
  answer: Answer,
  fault: Fault | null,
  dialect: Dialect,
): number | null {
  switch (fault) {
    case null:
      return send(response, answer, textOf(answer, dialect));
    case 'too_many_requests':
      return transmit(response, TOO_MANY_REQUESTS, null, dialect);
    case 'unavailable':
      return transmit(response, UNAVAILABLE, null, dialect);
    case 'server_error':
    case 'server_error_after_effect':
      return transmit(response, SERVER_ERROR, null, dialect);
    case 'not_json':
      return send(response, { ...answer, headers: { 'Content-Type': 'text/html' } }, NOT_JSON);
    case 'truncated_json':
      return send(response, answer, firstHalf(textOf(answer, dialect)));
    case 'cut':
    case 'cut_after_effect':
      response.destroy();
      return null;
    case 'cut_midway':
      return cutMidway(response, answer, textOf(answer, dialect));
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

function cutMidway(response: ServerResponse, { status }: Answer, text: string): null {
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
