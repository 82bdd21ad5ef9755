import { type Case, completed, type End, ended, running, type Said, task } from './case.ts';

const END = [
  'completed',
  'finished',
  'succeeded',
  'success',
  'done',
  'partially_completed',
  'completed_with_errors',
];
const FAILURE = ['failed', 'failure', 'error', 'rejected', 'timeout', 'timed_out', 'expired'];
const CANCEL = ['canceled', 'cancelled', 'aborted', 'stopped'];
const RUNNING = [
  'CREATED',
  'created',
  'pending',
  'queued',
  'running',
  'processing',
  'in_progress',
  'IN_PROGRESS',
];

const failed: End = { end: 'failed', code: 'modelstudio_job_failed' };
const cancelled: End = { end: 'failed', code: 'modelstudio_job_cancelled' };

/** The spellings of one word, without repeats. */
function spellings(word: string): string[] {
  const title = word.slice(0, 1).toUpperCase() + word.slice(1);
  return [word, word.toUpperCase(), title];
}

const ends: Case[] = [
  ...END.flatMap(spellings).map((word) => is(word, { ...completed, results: ['"reply 0"'] })),
  ...FAILURE.flatMap(spellings).map((word) => is(word, failed)),
  ...CANCEL.flatMap(spellings).map((word) => is(word, cancelled)),
  ...[
    'Completed ',
    ' FINISHED',
    '\tdone\n',
    'JobStatus.COMPLETED',
    'JobStatus.FINISHED',
    'studio.JobStatus.DONE',
  ].map((word) => is(word, completed)),
  ...['JobStatus.FAILED', 'JobState.ERROR '].map((word) => is(word, failed)),
  is('JobStatus.CANCELED', cancelled),
];

function is(word: string, comesTo: End): Case {
  const tasks = comesTo.end === 'completed' ? [task(0)] : [];
  return { what: `the job is ${JSON.stringify(word)}`, polls: [ended(tasks, { job_status: word })], comesTo };
}

/** With the job's end at hand, each of these is asked about once more, and its second answer counts. */
const goesOn: Case[] = [
  ...RUNNING.map((word) =>
    thenEnds(`the job is ${word}`, ended([task(0, { result: 'early' })], { job_status: word })),
  ),
  thenEnds('an unknown word without results', ended([], { job_status: 'WARMING_UP', total_tasks: 1 })),
  thenEnds(
    'an unknown word whose task is pending',
    ended([task(0, { status: 'pending', result: null })], { job_status: 'WARMING_UP' }),
  ),
  thenEnds(
    'an unknown word with texts that do not say whether they have ended',
    ended(['early'], { job_status: 'WARMING_UP' }),
  ),
  thenEnds('no word at all', { body: { total_tasks: 1, completed_tasks: 0, results: [] } }),
];

function thenEnds(what: string, first: Said): Case {
  return { what, polls: [first, ended([task(0)])], comesTo: { ...completed, results: ['"reply 0"'] } };
}

const withoutCounts = { total_tasks: undefined, completed_tasks: undefined };

const unknownEnds: [what: string, conversations: number, said: Said, comesTo: End][] = [
  ['with a result', 1, ended([task(0)], { job_status: 'BAKED' }), completed],
  ['READY, as the makers say elsewhere', 1, ended([task(0)], { job_status: 'ready' }), completed],
  ['with every result', 3, ended([task(0), task(1), task(2)], { job_status: 'BAKED' }), completed],
  ['without counts', 2, ended([task(0), task(1)], { job_status: 'BAKED', ...withoutCounts }), completed],
  [
    'with results of which one has failed',
    2,
    ended([task(0), task(1, { status: 'FAILED', result: null, error: 'No.' })], { job_status: 'BAKED' }),
    { ...completed, failedTasks: 1 },
  ],
];

const beside: [what: string, said: Said, comesTo: End][] = [
  [
    'status in place of job_status',
    ended([task(0)], { job_status: undefined, status: 'FINISHED' }),
    completed,
  ],
  [
    'status beside a job_status of null',
    ended([task(0)], { job_status: null, status: 'completed' }),
    completed,
  ],
  ['status 200 beside job_status', ended([task(0)], { status: 200 }), completed],
  ['status error where the job failed', ended([], { job_status: undefined, status: 'error' }), failed],
  ['no counts', ended([task(0)], withoutCounts), completed],
  ['counts of text', ended([task(0)], { total_tasks: '1', completed_tasks: '1' }), completed],
  ['counts of null', ended([task(0)], { total_tasks: null, completed_tasks: null }), completed],
  ['counts that contradict the results', ended([task(0)], { total_tasks: 5, completed_tasks: 0 }), completed],
  ['members that nobody knows', ended([task(0)], { usage: { tokens: 5 }, model: 'x' }), completed],
  ['no id', ended([task(0)], { job_id: undefined }), completed],
  ['an id of null', ended([task(0)], { job_id: null }), completed],
  ['results before its state', { body: { results: [task(0)], job_status: 'FINISHED' } }, completed],
];

const sentences: [what: string, changes: object, says: string][] = [
  ['error', { error: 'CUDA out of memory' }, 'CUDA out of memory'],
  ['a message within error', { error: { message: 'CUDA out of memory' } }, 'CUDA out of memory'],
  ['message', { message: 'CUDA out of memory' }, 'CUDA out of memory'],
  ['detail', { detail: 'CUDA out of memory' }, 'CUDA out of memory'],
  ['error and results that are none', { error: 'CUDA out of memory', results: {} }, 'CUDA out of memory'],
];

const failures: Case[] = [
  ...sentences.map(
    ([what, changes, says]): Case => ({
      what: `a failed job with ${what}`,
      polls: [ended([], { job_status: 'failed', ...changes })],
      comesTo: { ...failed, says },
    }),
  ),
  ...[{}, [], null, 'none', 7, ['x'], { 0: 'x' }, [null], [[]]].map(
    (results): Case => ({
      what: `a failed job with ${JSON.stringify(results)} for results`,
      polls: [ended(results, { job_status: 'failed' })],
      comesTo: failed,
    }),
  ),
];

const TASK_FAILED = [...FAILURE, ...CANCEL, 'FAILED', 'CANCELED', 'Failure', 'TaskStatus.FAILED', ' error '];
const TASK_DONE = [...END, 'COMPLETED', 'FINISHED', 'TaskStatus.COMPLETED', 'Done '];
const ERROR_SAYS_NOTHING = [null, false, {}, [], '', undefined];
const ERROR_SAYS_SOMETHING = ['It broke.', { code: 7 }, ['It broke.'], true];

const tasks: Case[] = [
  ...TASK_FAILED.map((status) => taskCase(`${JSON.stringify(status)}`, { status, result: null }, 1)),
  ...TASK_DONE.map((status) => taskCase(`${JSON.stringify(status)}`, { status }, 0)),
  taskCase('without a status', { status: undefined }, 0),
  taskCase('without status and error', { status: undefined, error: undefined }, 0),
  ...ERROR_SAYS_NOTHING.map((error) =>
    taskCase(`completed with error ${JSON.stringify(error)}`, { error }, 0),
  ),
  ...ERROR_SAYS_SOMETHING.map((error) =>
    taskCase(`completed with error ${JSON.stringify(error)}`, { error }, 1),
  ),
];

function taskCase(what: string, changes: object, failedTasks: number): Case {
  return {
    what: `a task is ${what}`,
    polls: [ended([task(0, changes)])],
    comesTo: { end: 'completed', failedTasks },
  };
}

export const words: Case[] = [
  ...ends,
  ...goesOn,
  ...unknownEnds.map(([what, conversations, said, comesTo]) => ({
    what: `an unknown word ${what}`,
    conversations,
    polls: [running, said],
    comesTo,
  })),
  ...beside.map(([what, said, comesTo]) => ({ what: `a report with ${what}`, polls: [said], comesTo })),
  ...failures,
  ...tasks,
];
