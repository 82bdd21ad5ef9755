import { type SubmitWorld, submit } from '../../functions/submit/submit.ts';

/** An app's `POST /v1/jobs` with one short conversation: the answer, and the job in it. */
export async function postJob(world: SubmitWorld, fields: object, client = 'acme', headers: object = {}) {
  const given = { model_id: 'm/1', messages: [[{ role: 'user', content: 'hi' }]], ...fields };
  const request = {
    method: 'POST',
    path: '/v1/jobs',
    query: '',
    headers: { 'content-type': 'application/json', ...headers },
    body: Buffer.from(JSON.stringify(given)),
    requestId: 'r',
  };
  const answer = await submit(request as never, { client, jobId: '' } as never, world);
  return { ...answer, job: JSON.parse(answer.body) };
}
