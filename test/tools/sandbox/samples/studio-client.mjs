// The rules by which the public client of IONOS's address goes, see docs/modelstudio.md, in words of our own: the base
// URL includes /api/v1; every answer must be a 2xx; FINISHED is the end and FAILED and CANCELED are failures, as they are
// spelled there; the first result's text is all that is read; after sixty looks it gives up.
const { STUDIO_BASE, ORGANIZATION_ID, API_KEY, MODEL_ID, PROMPT } = process.env;
const POLL_MILLISECONDS = Number(process.env.POLL_MILLISECONDS ?? 1000);
const LOOKS_MAX = 60;

const url = `${STUDIO_BASE}/organizations/${ORGANIZATION_ID}/generate`;

async function ask(path, init = {}) {
  const headers = { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' };
  const response = await fetch(url + path, { ...init, headers });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}

async function generate() {
  const messages = [[{ role: 'user', content: PROMPT }]];
  const body = JSON.stringify({ model_id: MODEL_ID, messages, temperature: 0.2, max_tokens: 768 });
  const { job_id } = await ask('', { method: 'POST', body });
  for (let look = 0; look < LOOKS_MAX; look++) {
    const job = await ask(`/${job_id}`);
    if (job.job_status === 'FINISHED') return job.results[0].result;
    if (['FAILED', 'CANCELED'].includes(job.job_status)) throw new Error(`The job is ${job.job_status}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  throw new Error('The job takes too long');
}

try {
  console.log(await generate());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
