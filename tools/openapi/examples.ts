const data = {
  job_id: 'job_q433hnkr5vpdwfsbfhfx4ghne0',
  status: 'completed',
  model_id: 'my-model',
  total_tasks: 1,
  completed_tasks: 1,
  failed_tasks: 0,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:30.000Z',
  finished_at: '2026-01-01T00:00:30.000Z',
  expires_at: '2026-01-02T00:00:00.000Z',
  metadata: { order: '1042' },
  results: [{ task_index: 0, status: 'completed', result: 'Paris', error: null }],
  results_url: null,
  error: null,
};

/** One of each kind of object that a reader of the reference may want to see. All of them are of one job. */
export const EXAMPLES: Record<string, object> = {
  Submission: {
    model_id: data.model_id,
    messages: [[{ role: 'user', content: 'Name the capital of France.' }]],
    webhook_url: 'https://example.com/hooks/modelstudio',
    metadata: data.metadata,
  },
  Job: {
    ...data,
    webhook: {
      id: 'msg_k2qa493k09cy99dmts3cz4zyvg',
      url: 'https://example.com/hooks/modelstudio',
      status: 'delivered',
      attempts: 1,
      last_attempt_at: '2026-01-01T00:00:30.100Z',
      last_status: 204,
      next_attempt_at: null,
      held_until: null,
    },
  },
  Deliveries: {
    deliveries: [
      {
        attempt: 1,
        at: '2026-01-01T00:00:30.100Z',
        status: 204,
        duration_ms: 85,
        error: null,
        location: null,
        next_attempt_at: null,
      },
    ],
  },
  Event: { type: 'job.completed', timestamp: data.finished_at, data },
  Problem: {
    type: 'urn:modelstudio-jobs:problem:invalid_request',
    title: 'Bad Request',
    status: 400,
    detail: 'The request is not valid.',
    code: 'invalid_request',
    request_id: 'c6f1cd1e-1c2b-4c0c-9d5d-3f1a7c7b2f11',
    errors: [{ pointer: '/temperature', message: 'Must be a number from 0 to 1' }],
  },
};
