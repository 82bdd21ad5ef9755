import { CANARY } from '../judge.ts';
import type { Random } from '../random.ts';

/** What becomes of a job's conversations at ModelStudio. */
export interface Fate {
  /** How often each of these fails before it succeeds. */
  failures: ReadonlyMap<number, number>;
  /** A create that holds it is refused for its own sake. */
  refusedTask: number | null;
  isModelUnknown: boolean;
  /** A job there that holds it fails as a whole. */
  brokenTask: number | null;
  /** Of each result. */
  bytes: number;
  longestMillis: number;
}

/** A large job as its app wants it, and what the app was told. */
export interface Wish {
  client: string;
  marker: string;
  tasks: number;
  retries: number;
  mayResubmit: boolean;
  fate: Fate;
  /** Of the job's body; what an upload is for stands in the file. */
  body: Record<string, unknown>;
  file: { text: string; format: 'json' | 'jsonl'; sha256: boolean; faultyLines: number[] } | null;
  /** It posts the job before it has put the file. */
  isHasty: boolean;
  key: string | null;
  cancelsAfterMillis: number | null;
  uploadId: string | null;
  tries: number;
  jobId: string | null;
}

const NEVER = Number.POSITIVE_INFINITY;

export function textOf(marker: string, task: number): string {
  return `${marker} task ${task}`;
}

export function drawWish(marker: string, client: string, mayResubmitAny: boolean, chance: Random): Wish {
  const tasks = chance.pick([1, 2, 4, 5, 7, 9, 12, 20]);
  const mayResubmit = mayResubmitAny && chance.happens(0.4);
  const padding = chance.happens(0.3) ? chance.between(100, 700) : 0;
  const conversations = Array.from({ length: tasks }, (_, task) => [
    {
      role: 'user',
      content: `${CANARY} ${textOf(marker, task)};${'.'.repeat(task % 3 === 0 ? padding : 0)}`,
    },
  ]);
  const format = chance.pick([null, 'json', 'jsonl', 'jsonl'] as const);
  const file = format && fileOf(conversations, format, chance);
  const queueFor = chance.pick([undefined, undefined, undefined, undefined, 30, 600]);
  const body = {
    model_id: 'm',
    ...(file === null && { messages: conversations }),
    webhook_url: 'https://hooks.example.com/h',
    metadata: { marker },
    expires_in: chance.pick([60, 300, 7200, 7200, 7200]),
    ...(queueFor !== undefined && { queue_for: queueFor }),
    ...(mayResubmit && { on_unknown: 'resubmit' }),
  };
  const retries = chance.between(0, 3);
  return {
    ...{ client, marker, tasks, retries, mayResubmit, file },
    fate: drawFate(tasks, chance),
    body: { ...body, ...(retries > 0 && { task_retries: retries }) },
    isHasty: chance.happens(0.15),
    key: chance.happens(0.85) ? `key-${marker}` : null,
    cancelsAfterMillis: chance.happens(0.2) ? chance.between(0, chance.pick([3000, 90_000])) : null,
    ...{ uploadId: null, tries: 0, jobId: null },
  };
}

function drawFate(tasks: number, chance: Random): Fate {
  const failing = chance.pick([0, 0, 0.2, 0.5, 1]);
  const failures = new Map<number, number>();
  for (let task = 0; task < tasks; task++)
    if (chance.happens(failing)) failures.set(task, chance.pick([1, 1, 2, 3, NEVER]));
  const one = (share: number) => (chance.happens(share) ? chance.between(0, tasks - 1) : null);
  return {
    failures,
    refusedTask: one(0.15),
    isModelUnknown: chance.happens(0.04),
    brokenTask: one(0.08),
    bytes: chance.happens(0.08) ? 60_000 : 0,
    longestMillis: chance.pick([5000, 20_000, 20_000, 120_000]),
  };
}

/** Lines may be wrapped, as fine-tuning files have them, and some files hold what is no conversation. */
function fileOf(conversations: object[], format: 'json' | 'jsonl', chance: Random): Wish['file'] {
  const pieces = conversations.map((messages) =>
    format === 'jsonl' && chance.happens(0.5) ? JSON.stringify({ messages, n: 1 }) : JSON.stringify(messages),
  );
  const isFaulty = chance.happens(0.12);
  const faultyLines = [...pieces.keys()].filter(() => isFaulty && chance.happens(0.4));
  for (const line of faultyLines) pieces[line] = chance.pick(['[]', '{"messages":[{"role":"user"}]}']);
  const text = format === 'jsonl' ? pieces.join('\n') : `[${pieces.join(' ,\n')}]`;
  return { text, format, sha256: chance.happens(0.6), faultyLines };
}
