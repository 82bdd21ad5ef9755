/** An answer's members, by their letters and digits alone, the one that counts most first. */
export const MEMBERS = {
  jobId: ['job_id'],
  /** They count where there is no `jobId` or `jobState`: beside `data`, they may be the call's own. */
  id: ['id'],
  state: ['status', 'state'],
  jobState: ['job_status'],
  /** What an answer may be wrapped in. */
  wrapper: ['data'],
  totalTasks: ['total_tasks'],
  completedTasks: ['completed_tasks'],
  results: ['results'],
} as const satisfies Record<string, readonly string[]>;

/** The same of one of the results. */
export const TASK_MEMBERS = {
  index: ['task_index', 'index'],
  state: ['status', 'state'],
  result: ['result'],
  error: ['error'],
} as const satisfies Record<string, readonly string[]>;

/** What some serializers write where JSON has no word for it, and the word that is meant. */
export const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ['NaN', 'null'],
  ['Infinity', 'null'],
  ['-Infinity', 'null'],
  ['None', 'null'],
  ['undefined', 'null'],
  ['True', 'true'],
  ['False', 'false'],
]);
