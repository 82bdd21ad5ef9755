import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { apiEvent } from '../../../test/cloud/handlers.ts';

const PROMPT_CHARACTERS = 500;

/**
 * A request for one completion, with a webhook and a reference of the client's own.
 * @param fields that are not as usual
 */
export function submission(
  index: number,
  modelId: string,
  key: string,
  fields: object = {},
): APIGatewayProxyEventV2 {
  const body = {
    model_id: modelId,
    messages: [conversation(index)],
    webhook_url: 'https://hooks.example.com/modelstudio/jobs',
    metadata: { ref: `job-${index}` },
    ...fields,
  };
  return apiEvent({
    method: 'POST',
    path: '/v1/jobs',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** A conversation of a job, as long as any. */
export function conversation(index: number): object[] {
  return [{ role: 'user', content: `job-${index} `.padEnd(PROMPT_CHARACTERS, 'x') }];
}

/** Asks where a file of so many bytes may be put. */
export function uploading(bytes: number, key: string): APIGatewayProxyEventV2 {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return apiEvent({
    method: 'POST',
    path: '/v1/uploads',
    headers,
    body: JSON.stringify({ bytes, format: 'jsonl' }),
  });
}

/** Its app reads the job, or its results. */
export function reading(path: string, key: string): APIGatewayProxyEventV2 {
  const headers = { authorization: `Bearer ${key}` };
  return apiEvent({ method: 'GET', path: `/v1/jobs/${path}`, headers, body: '' });
}
