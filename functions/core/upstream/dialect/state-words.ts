// How ModelStudio speaks, as tables: what it documents, what its other documentation and its clients show, and what
// other services of this kind say. docs/modelstudio.md says where each comes from. A new spelling is a new entry here.

/**
 * The states of a job or of one of its tasks. Words are compared by their letters and digits alone, and
 * `JobStatus.COMPLETED` by what follows the last dot. An unknown word is taken for running, and counted.
 */
export const STATES = {
  completed: [
    ...['completed', 'finished', 'succeeded', 'success', 'done'],
    ...['partially_completed', 'completed_with_errors'],
  ],
  failed: ['failed', 'failure', 'error', 'rejected', 'timeout', 'timed_out', 'expired'],
  cancelled: ['canceled', 'cancelled', 'aborted', 'stopped'],
  running: [
    ...['created', 'submitted', 'accepted', 'received', 'registered', 'new', 'open', 'not_started'],
    ...['pending', 'queued', 'in_queue', 'enqueued', 'scheduled', 'waiting', 'on_hold', 'paused', 'delayed'],
    ...['starting', 'started', 'initialized', 'initializing', 'loading', 'preparing', 'provisioning'],
    ...['validating', 'retrying'],
    ...['running', 'processing', 'in_progress', 'in_process', 'working', 'active', 'executing', 'generating'],
    ...['finalizing', 'finishing', 'completing', 'stopping', 'canceling', 'cancelling', 'cancel_requested'],
  ],
} as const satisfies Record<string, readonly string[]>;
