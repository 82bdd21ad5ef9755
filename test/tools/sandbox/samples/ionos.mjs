// What IONOS's page shows of the same API: create a job, ask for it, read the one result. The page leaves out how to
// wait; the state that it shows of a job that has ended is FINISHED. The base URL and the pace are parameters.
const { BASE_URL = 'https://studio.ionos.de', ORGANIZATION_ID, API_KEY, MODEL_ID } = process.env;
const POLL_MILLISECONDS = Number(process.env.POLL_MILLISECONDS ?? 1000);

const url = `${BASE_URL}/api/v1/organizations/${ORGANIZATION_ID}/generate`;
const headers = { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' };

const request = {
  model_id: MODEL_ID,
  messages: [[{ role: 'user', content: 'The capital of France is' }]],
  temperature: 0.7,
  max_tokens: 512,
};
const created = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) });
const { job_id } = await created.json();

let job;
do {
  await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  job = await (await fetch(`${url}/${job_id}`, { headers })).json();
} while (job.job_status !== 'FINISHED');
console.log(job.results[0].result);
