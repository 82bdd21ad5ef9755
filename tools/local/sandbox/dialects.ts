/** The answer to a create, as ModelStudio's own page spells it. */
export type Created = { job_id: string; status: string; message: string };

export type Task = {
  task_index: number;
  status: string;
  result: string | null;
  error: string | null;
};

/** The answer to a status call, as ModelStudio's own page spells it. */
export type Report<T = Task> = {
  job_id: string;
  job_status: string;
  total_tasks: number;
  completed_tasks: number;
  results: T[];
};

/** How to spell ModelStudio's answers differently. Anything left out stays as on ModelStudio's own page. */
export type Dialect = {
  /** How it differs, in a line of help. */
  note: string;
  /** The word for a state of a job: CREATED, created, processing, completed, failed or canceled. */
  jobState?: (state: string) => string;
  /** The word for a state of a task: completed or failed. */
  taskState?: (state: string) => string;
  /** The id of a job, by the number of jobs before it. */
  jobId?: (before: number) => string;
  created?: (answer: Created) => object;
  task?: (task: Task) => unknown;
  /** Its states and tasks are spelled already. */
  report?: (report: Report<unknown>) => object;
  refusal?: (sentence: string, status: number) => object;
};

export const DEFAULT_DIALECT = 'modelstudio';

const FINISHED: Record<string, string> = { processing: 'RUNNING', completed: 'FINISHED' };
const SUCCEEDED: Record<string, string> = { processing: 'IN_PROGRESS', completed: 'SUCCEEDED' };

/** To add one, add a row: the sandbox, its help and its tests know it by that. */
export const DIALECTS: Record<string, Dialect> = {
  modelstudio: { note: "ModelStudio's own page: completed, every result with its error" },
  ionos: {
    note: "IONOS's page of the same API: FINISHED, results without an error",
    jobState: (state) => FINISHED[state] ?? state.toUpperCase(),
    task: ({ error, ...task }) => (error === null ? task : { ...task, error }),
  },
  succeeded: {
    note: 'SUCCEEDED, for jobs and results',
    jobState: (state) => SUCCEEDED[state] ?? state.toUpperCase(),
    taskState: (state) => SUCCEEDED[state] ?? state.toUpperCase(),
  },
  done: {
    note: 'Done and Error, in ordinary writing, with blanks around them',
    jobState: (state) => ` ${{ completed: 'Done', failed: 'Error' }[state] ?? state} `,
    taskState: (state) => ` ${{ completed: 'Done', failed: 'Error' }[state] ?? state} `,
  },
  enum: {
    note: 'JobStatus.COMPLETED, as Python writes an enumeration',
    jobState: (state) => `JobStatus.${state.toUpperCase()}`,
    taskState: (state) => `TaskStatus.${state.toUpperCase()}`,
  },
  strange: {
    note: 'words for the states of a job that nobody knows; only its results tell that it has ended',
    jobState: (state) =>
      ({ processing: 'baking', completed: 'baked', failed: 'failed', canceled: 'canceled' })[state] ??
      'dough',
  },
  status: {
    note: 'status in place of job_status',
    report: ({ job_status, ...report }) => ({ ...report, status: job_status }),
  },
  id: {
    note: 'id in place of job_id',
    created: ({ job_id, ...answer }) => ({ id: job_id, ...answer }),
    report: ({ job_id, ...report }) => ({ id: job_id, ...report }),
  },
  jobId: {
    note: 'jobId in place of job_id',
    created: ({ job_id, ...answer }) => ({ jobId: job_id, ...answer }),
    report: ({ job_id, ...report }) => ({ jobId: job_id, ...report }),
  },
  data: {
    note: 'the answer to a create within data',
    created: (answer) => ({ data: answer }),
  },
  'number-ids': {
    note: 'ids of jobs are numbers',
    jobId: (before) => String(1_234_567 + before),
    created: (answer) => ({ ...answer, job_id: Number(answer.job_id) }),
    report: (report) => ({ ...report, job_id: Number(report.job_id) }),
  },
  'no-counts': {
    note: 'neither total_tasks nor completed_tasks',
    report: ({ total_tasks, completed_tasks, ...report }) => report,
  },
  'no-index': {
    note: 'results without a task_index, in the order of the conversations',
    task: ({ task_index, ...task }) => task,
  },
  'text-index': {
    note: 'task_index is text',
    task: (task) => ({ ...task, task_index: String(task.task_index) }),
  },
  reversed: {
    note: 'results in the order in which they were not asked for',
    report: (report) => ({ ...report, results: report.results.toReversed() }),
  },
  keyed: {
    note: 'results are an object, keyed by task_index',
    report: (report) => ({
      ...report,
      results: Object.fromEntries((report.results as Task[]).map((task) => [String(task.task_index), task])),
    }),
  },
  strings: {
    note: 'results are a list of strings, in the order of the conversations; null for one that failed',
    task: ({ result }) => result,
  },
  'empty-errors': {
    note: 'a result that has not failed has an error that is empty',
    task: ({ error, ...task }) => ({ ...task, error: error ?? [{}, [], false, ''][task.task_index % 4] }),
  },
  pending: {
    note: 'from the first moment on a result for every conversation, pending until it is there',
    report: ({ results, ...report }) => ({
      ...report,
      results: Array.from(
        { length: report.total_tasks },
        (_, index) =>
          (results as Task[]).find((task) => task.task_index === index) ?? {
            task_index: index,
            status: 'pending',
            result: null,
            error: null,
          },
      ),
    }),
  },
  fastapi: {
    note: 'refusals as FastAPI writes them, in detail',
    refusal: (sentence, status) => ({
      detail: status === 400 ? [{ type: 'value_error', loc: ['body'], msg: sentence }] : sentence,
    }),
  },
  problem: {
    note: 'refusals as RFC 9457 has them: title and detail',
    refusal: (sentence, status) => ({ type: 'about:blank', title: 'Refused', status, detail: sentence }),
  },
  errors: {
    note: 'refusals as a list of errors, each with a message',
    refusal: (sentence) => ({ errors: [{ message: sentence }] }),
  },
};

/** @throws an Error whose message lists the dialects that there are */
export function dialectNamed(name: string): Dialect {
  const dialect = Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined;
  if (dialect) return dialect;
  throw new Error(`There is no such dialect. There are: ${Object.keys(DIALECTS).join(', ')}.`);
}

export function spellCreated(answer: Created, { jobState = same, created = same }: Dialect): object {
  return created({ ...answer, status: jobState(answer.status) });
}

export function spellReport(answer: Report, dialect: Dialect): object {
  const { jobState = same, taskState = same, task = same, report = same } = dialect;
  const results = answer.results.map((each) => task({ ...each, status: taskState(each.status) }));
  return report({ ...answer, job_status: jobState(answer.job_status), results });
}

function same<T>(value: T): T {
  return value;
}
