import { readFileSync } from 'node:fs';
import type { FunctionName } from '../../test/cloud/handlers.ts';

const NAMES: Record<FunctionName, string> = {
  submit: 'Api/Submit',
  jobs: 'Api/Jobs',
  create: 'Create/Function',
  poll: 'Poll/Poller',
  collect: 'Poll/Collector',
  deliver: 'Deliver/Function',
  sweep: 'Sweep/Function',
};

const TABLES: Record<string, string> = {
  jobs: 'State/Jobs',
  documents: 'State/Documents',
  durationStats: 'State/DurationStats',
  clientKeys: 'State/ClientKeys',
};

const QUEUES: Record<string, string> = {
  create: 'Create/Create/Queue',
  poll: 'Poll/Poll/Queue',
  collect: 'Poll/Collect/Queue',
  deliver: 'Deliver/Deliver/Queue',
};

/** Of commands whose permission has another name than they have. */
const ACTIONS: Record<string, string> = {
  SendMessageBatch: 'SendMessage',
  HeadObject: 'GetObject',
};

/** Each function's permissions, as the tests of the stack write them down: `dynamodb:GetItem State/Jobs`. */
const GRANTED = grantedIn(
  readFileSync(new URL('../../test/stack/permissions.golden.txt', import.meta.url), 'utf8'),
);
// Only with a bound on the jobs at once, which the stack of the file does not have.
GRANTED.get(NAMES.submit)?.add('Query State/Jobs/index/queue');

function grantedIn(golden: string): Map<string, Set<string>> {
  const functions = golden.split('\n\n').map((paragraph) => {
    const [name = '', ...lines] = paragraph.trim().split('\n');
    const grants = lines.flatMap((line) => {
      const [, action = '', targets = ''] = /^ +\w+:(\w+) +(.*)$/.exec(line) ?? [];
      return targets.split(', ').map((target) => `${action} ${target}`);
    });
    return [name, new Set(grants)] as const;
  });
  return new Map(functions);
}

interface Named {
  TableName?: string;
  IndexName?: string;
  RequestItems?: object;
  QueueUrl?: string;
  Bucket?: string;
  Key?: unknown;
}

/** What its role does not let a function do; null if it may. Who may read a secret is for the tests of the stack. */
export function refusalOf(name: FunctionName, command: { input: object }): string | null {
  const { TableName, IndexName, RequestItems, QueueUrl, Bucket, Key } = command.input as Named;
  const called = command.constructor.name.slice(0, -'Command'.length);
  const table = TABLES[TableName ?? Object.keys(RequestItems ?? {})[0] ?? ''];
  const index = IndexName === undefined ? '' : `/index/${IndexName}`;
  const folder = Bucket === undefined ? undefined : `State/Bucket/${String(Key).split('/')[0]}/*`;
  const target = folder ?? QUEUES[QueueUrl ?? ''] ?? (table && table + index);
  if (target === undefined) return null;
  const needed = `${ACTIONS[called] ?? called} ${target}`;
  return GRANTED.get(NAMES[name])?.has(needed) ? null : needed;
}
