/** An answer's members, by their letters and digits alone, in the order in which they count. */
export const MEMBERS = {
  jobId: ['job_id'],
  /** These count only without a `jobId` or `jobState`: next to `data`, they may be about the call. */
  id: ['id'],
  state: ['status', 'state'],
  jobState: ['job_status'],
  /** What an answer may be wrapped in. */
  wrapper: ['data'],
  totalTasks: ['total_tasks'],
  completedTasks: ['completed_tasks'],
  results: ['results'],
} as const satisfies Record<string, readonly string[]>;

/** The same for one of the results. */
export const TASK_MEMBERS = {
  index: ['task_index', 'index'],
  state: ['status', 'state'],
  result: ['result'],
  error: ['error'],
} as const satisfies Record<string, readonly string[]>;

/** What some serializers write where JSON has no such word, and the word that is meant. */
export const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ['NaN', 'null'],
  ['Infinity', 'null'],
  ['-Infinity', 'null'],
  ['None', 'null'],
  ['undefined', 'null'],
  ['True', 'true'],
  ['False', 'false'],
]);
