// ModelStudio's own way of using its API: create, ask every two seconds, print the results.
// The base URL and the pace are parameters; the conversations come on stdin.
import { text } from 'node:stream/consumers';

const { BASE_URL = 'https://api.modelstudio.app', ORGANIZATION_ID, API_KEY, MODEL_ID } = process.env;
const POLL_MILLISECONDS = Number(process.env.POLL_MILLISECONDS ?? 2000);

const headers = { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' };
const url = `${BASE_URL}/api/v1/organizations/${ORGANIZATION_ID}/generate`;

async function generate(messages) {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify({ model_id: MODEL_ID, messages, temperature: 0.7, max_tokens: 512 }),
  });
  const { job_id } = await response.json();

  while (true) {
    const status = await fetch(`${url}/${job_id}`, { headers });
    const data = await status.json();
    if (data.job_status === 'completed') return data.results;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
}

const results = await generate(JSON.parse(await text(process.stdin)));
for (const result of results) console.log(result.result);
