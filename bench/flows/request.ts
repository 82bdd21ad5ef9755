import type { Request } from '../../functions/admit/admit.ts';

export const WEBHOOK_URL = 'https://hooks.example.com/modelstudio/jobs';
const PROMPT_CHARACTERS = 500;

/** A request for one completion, with a webhook and a reference of the client's own. */
export function requestOf(index: number, modelId: string, key: string): Request {
  const content = `job-${index} `.padEnd(PROMPT_CHARACTERS, 'x');
  const body = {
    model_id: modelId,
    messages: [[{ role: 'user', content }]],
    webhook_url: WEBHOOK_URL,
    metadata: { ref: `job-${index}` },
  };
  return {
    method: 'POST',
    path: '/v1/jobs',
    query: '',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    requestId: 'JKJaXmPLvHcESHA=',
  };
}
