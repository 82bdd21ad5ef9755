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
  const content = `job-${index} `.padEnd(PROMPT_CHARACTERS, 'x');
  const body = {
    model_id: modelId,
    messages: [[{ role: 'user', content }]],
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

/** Its app reads the job. */
export function reading(jobId: string, key: string): APIGatewayProxyEventV2 {
  const headers = { authorization: `Bearer ${key}` };
  return apiEvent({ method: 'GET', path: `/v1/jobs/${jobId}`, headers, body: '' });
}
