import { createApi } from '../../../tools/local/sandbox/api.ts';
import { dialectNamed } from '../../../tools/local/sandbox/dialects.ts';
import { MODELS, type Model } from '../../../tools/local/sandbox/models.ts';
import type { Upstream } from './timed-world.ts';

/** Which speaks the sandbox's dialect, not one of its own. */
const { dialect: _, ...canceled } = MODELS['sandbox-canceled'] as Model;

/** The sandbox without its sockets, by the clock of the world that asks it. */
export function sandboxUpstream(dialect: string): Upstream {
  let now = 0;
  const api = createApi({
    organizationId: 'org_1',
    apiKey: () => 'sk-1',
    models: new Map(Object.entries({ ...MODELS, canceled })),
    dialect: dialectNamed(dialect),
    clock: () => now,
  });
  return ({ method, url, headers, body = '' }, seconds) => {
    now = seconds * 1000;
    const authorization = Object.entries(headers).find(([name]) => /^authorization$/i.test(name))?.[1];
    const { answer } = api.respond({ method, path: url.pathname, authorization, body: Buffer.from(body) });
    if ('sentence' in answer) throw new Error(`The sandbox refused: ${answer.sentence}`);
    return answer;
  };
}
