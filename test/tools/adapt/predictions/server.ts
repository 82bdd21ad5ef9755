import type { RequestListener, ServerResponse } from 'node:http';
import { serveHttp } from '../../../edge/servers.ts';

export const API_KEY = 'p-key-1';

/** What a model's predictions go through, one look after the other; the last state stays. */
const LIVES: Record<string, { status: string; output?: unknown; error?: string }[]> = {
  'acme/haiku': [
    { status: 'starting' },
    { status: 'processing' },
    { status: 'succeeded', output: ['Snow,', ' again'] },
  ],
  'acme/odd': [{ status: 'dreaming' }, { status: 'succeeded', output: 7 }],
  'acme/fails': [{ status: 'processing' }, { status: 'failed', error: 'Out of memory' }],
  'acme/canceled': [{ status: 'canceled' }],
};

/** How the create call of other models ends. */
const REFUSALS: Record<string, (response: ServerResponse) => void> = {
  'acme/busy': (response) => response.writeHead(429, { 'retry-after': '7' }).end(),
  'acme/strict': (response) =>
    response.writeHead(422).end('{"title":"Invalid","detail":"prompt is too long"}'),
  'acme/broken': (response) => response.writeHead(500).end('stack trace'),
  'acme/cut': (response) => response.destroy(),
};

/** A provider of the same shape as ModelStudio and of another API. Ends with the test. */
export async function servePredictions() {
  const predictions = new Map<string, { model: string; looks: number }>();
  const creates: { model: string; input: { prompt: string } }[] = [];

  const create = (body: string, response: ServerResponse) => {
    const asked = JSON.parse(body);
    creates.push(asked);
    const refuse = REFUSALS[asked.model];
    if (refuse) return refuse(response);
    if (!LIVES[asked.model]) return response.writeHead(404).end();
    const id = `p${predictions.size + 1}`;
    predictions.set(id, { model: asked.model, looks: 0 });
    response.writeHead(201).end(JSON.stringify({ id, status: 'starting' }));
  };
  const look = (id: string, response: ServerResponse) => {
    const prediction = predictions.get(id);
    if (!prediction) return response.writeHead(404).end();
    const life = LIVES[prediction.model] ?? [];
    const state = life[Math.min(prediction.looks++, life.length - 1)];
    response.writeHead(200).end(JSON.stringify({ id, ...state }));
  };
  const listener: RequestListener = async (request, response) => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const [, id] = /^\/v1\/predictions(?:\/(\w+))?$/.exec(request.url ?? '') ?? [];
    if (request.headers.authorization !== `Token ${API_KEY}`) response.writeHead(401).end();
    else if (request.method === 'POST') create(body, response);
    else look(id ?? '', response);
  };
  return { creates, ...(await serveHttp(listener)) };
}
