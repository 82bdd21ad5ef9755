/** What ModelStudio answers: `body` is JSON unless it is text or bytes, which are sent as they are. */
export interface Said {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

/** One way in which ModelStudio may speak, and what comes of it by the contract. */
export interface Case {
  what: string;
  conversations?: number;
  /** The answer to the create; by default ModelStudio's own with the id. */
  created?: Said;
  /** The job's id at ModelStudio, as it is asked for by; by default one of the case's own. */
  id?: string;
  /** The answers to the status calls in turn, the last one for ever. Of an object, `job_id` is filled in unless it is there. */
  polls?: Said[];
  comesTo: Refusal | End;
}

/** The answer to our client. */
export interface Refusal {
  status: number;
  code: string;
  /** What its `detail` says, among other things. */
  says?: string;
  /** What it must not say. */
  hides?: string;
  /** How often ModelStudio was asked to create a job, if not once. */
  creates?: number;
}

export interface End {
  end: 'completed' | 'failed';
  /** Of the job's error. */
  code?: string;
  says?: string;
  failedTasks?: number;
  /** What each result holds, as part of its JSON text, in the order of the conversations. */
  results?: string[];
  /** What is in the results to the byte. */
  verbatim?: string;
}

export const isRefusal = (outcome: Refusal | End): outcome is Refusal => 'status' in outcome;

export function task(index: number, changes: object = {}) {
  return { task_index: index, status: 'completed', result: `reply ${index}`, error: null, ...changes };
}

/** A report of a job whose tasks have all ended. */
export function ended(tasks: unknown, changes: object = {}): Said {
  const total = Array.isArray(tasks) ? tasks.length : 1;
  return {
    body: {
      job_status: 'completed',
      total_tasks: total,
      completed_tasks: total,
      results: tasks,
      ...changes,
    },
  };
}

export const running: Said = {
  body: { job_status: 'processing', total_tasks: 1, completed_tasks: 0, results: [] },
};

export const completed: End = { end: 'completed', failedTasks: 0 };
