import type { ReceivedWebhook } from './inbox.ts';
import type { System } from './system.ts';

const SAMPLE = {
  model_id: 'sandbox-batch',
  messages: [
    [{ role: 'user', content: 'Name the capital of France.' }],
    [{ role: 'user', content: 'Name the capital of Japan.' }],
    [
      { role: 'system', content: 'Answer in one word.' },
      { role: 'user', content: 'Name the capital of Kenya.' },
    ],
  ],
};
const PATIENCE_MILLIS = 60_000;

/**
 * Submits a batch of three conversations and waits for its webhook.
 * @throws with a sentence when the batch is refused, or its webhook does not come or does not verify
 */
export async function runSample({ stack, inbox, console, keys }: System): Promise<ReceivedWebhook> {
  const webhook = new Promise<ReceivedWebhook>((resolve, reject) => {
    const impatience = setTimeout(() => reject(new Error('The webhook did not come.')), PATIENCE_MILLIS);
    const receive = (received: ReceivedWebhook) => {
      clearTimeout(impatience);
      inbox.listeners.delete(receive);
      resolve(received);
    };
    inbox.listeners.add(receive);
  });
  const request = { ...SAMPLE, webhook_url: console.inboxUrl };
  const submitted = submit(stack.apiUrl, keys.clientKeys[0], request).then((jobId) =>
    console.remember(jobId, request),
  );
  const [received] = await Promise.all([webhook, submitted]);
  if (!received.verified) throw new Error("The webhook's signature does not verify.");
  return received;
}

async function submit(apiUrl: string, key: string, body: object): Promise<string> {
  const response = await fetch(`${apiUrl}/v1/jobs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { job_id, detail } = (await response.json()) as { job_id: string; detail?: string };
  if (response.status === 202) return job_id;
  throw new Error(`The sample, a batch for ${SAMPLE.model_id}, was refused: ${detail}`);
}
