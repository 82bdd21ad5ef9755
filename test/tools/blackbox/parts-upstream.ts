import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Rules {
  /** What a create is answered; without it, the job is taken. */
  refuse?: (texts: string[]) => { status: number; detail: string } | undefined;
  /** Whether a conversation fails that is given for the `nth` time. */
  fails?: (text: string, nth: number) => boolean;
  /** Whether jobs have ended; without it, they have at once. */
  isOver?: (texts: string[]) => boolean;
  result?: (text: string) => string;
}

interface Task {
  text: string;
  isFailed: boolean;
}

/** So much of a text tells it from others. */
const SHORT = 40;

/** A ModelStudio that answers each conversation with its own text, and counts how often it is given each. */
export async function startPartsUpstream(rules: Rules = {}) {
  const times = new Map<string, number>();
  const creates: { at: number; texts: string[]; bytes: number }[] = [];
  const jobs = new Map<string, Task[]>();
  let [polls, mostAtOnce] = [0, 0];
  const isOver = (tasks: Task[]) => rules.isOver?.(tasks.map(({ text }) => text)) ?? true;
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    const body = Buffer.concat(await request.toArray());
    if (request.method === 'GET') {
      polls += 1;
      const id = request.url?.split('/').at(-1) ?? '';
      const tasks = jobs.get(id) ?? [];
      const counts = { job_id: id, total_tasks: tasks.length };
      if (!isOver(tasks))
        return response.end(JSON.stringify({ ...counts, job_status: 'running', completed_tasks: 0 }));
      const { result = (text: string) => text } = rules;
      const results = tasks.map(({ text, isFailed }, task_index) =>
        isFailed
          ? { task_index, status: 'failed', result: null, error: `no ${text}` }
          : { task_index, status: 'completed', result: result(text), error: null },
      );
      const ended = { ...counts, job_status: 'completed', completed_tasks: tasks.length, results };
      return response.end(JSON.stringify(ended));
    }
    const { messages } = JSON.parse(body.toString());
    const texts: string[] = messages.map(textOf);
    const refusal = rules.refuse?.(texts);
    if (refusal) return response.writeHead(refusal.status).end(JSON.stringify({ detail: refusal.detail }));
    const id = `up-${jobs.size}`;
    const tasks = texts.map((text) => {
      const nth = (times.get(text) ?? 0) + 1;
      times.set(text, nth);
      return { text, isFailed: rules.fails?.(text, nth) ?? false };
    });
    jobs.set(id, tasks);
    creates.push({ at: Date.now(), texts, bytes: body.length });
    mostAtOnce = Math.max(mostAtOnce, [...jobs.values()].filter((job) => !isOver(job)).length);
    response.end(JSON.stringify({ job_id: id, status: 'CREATED', message: '' }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    creates,
    times,
    polls: () => polls,
    mostAtOnce: () => mostAtOnce,
    /** How many conversations it was given, each time that it was. */
    given: (prefix = '') =>
      [...times].reduce((sum, [text, count]) => sum + (text.startsWith(prefix) ? count : 0), 0),
    env: {
      MODELSTUDIO_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      MODELSTUDIO_ORGANIZATION_ID: 'org_test',
      MODELSTUDIO_API_KEY: 'msk-secret',
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function textOf(messages: { content: string | { text?: string }[] }[]): string {
  const content = messages.at(-1)?.content ?? '';
  const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
  return text.slice(0, SHORT);
}
