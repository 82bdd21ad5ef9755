import type { Submission } from '../../../functions/core/http/submission.ts';
import { createModelStudio } from '../../../functions/edge/modelstudio.ts';
import { createModelStudio as createPredictions } from './predictions/edge/modelstudio.ts';
import { describeProvider, PRIVATE } from './provider.contract.ts';

const ours = {
  webhook_url: `https://${PRIVATE}.example.com/`,
  metadata: { note: PRIVATE },
  expires_in: 600,
  on_unknown: 'fail' as const,
  task_retries: 0,
};

const generation: Submission = {
  model_id: 'm/1',
  messages: [[{ role: 'user', content: 'héllo' }]],
  temperature: 0.7,
  max_tokens: 512,
  ...ours,
};
const task = (result: unknown) => ({ task_index: 0, status: 'completed', result, error: null });
const job = (job_status: string, more: object = {}) => ({ job_id: 'up1', job_status, ...more });

describeProvider('ModelStudio', {
  makeClient(settings) {
    const client = createModelStudio({ ...settings, organizationId: 'org_1' });
    return { ...client, create: () => client.create(generation, { jobId: 'job_1' }) };
  },
  created: [200, { job_id: 'up1', status: 'CREATED' }],
  refusals: [
    [[400], { kind: 'invalid', sentence: null }],
    [[401], { kind: 'credentials_refused', sentence: null }],
    [[403, { error: 'Not your model' }], { kind: 'credentials_refused', sentence: 'Not your model' }],
    [
      [402, { error: 'Credits used up' }],
      { kind: 'refused', cause: 'status_402', sentence: 'Credits used up' },
    ],
    [[404, { error: 'Model not found: m/1' }], { kind: 'model_not_found' }],
    [[404], { kind: 'refused', cause: 'wrong_address', sentence: null }],
    [[307, '', { location: '/elsewhere' }], { kind: 'refused', cause: 'redirect', sentence: null }],
    [[429, '', { 'retry-after': '7' }], { kind: 'unavailable', retryAfterSeconds: 7 }],
    [[503], { kind: 'unavailable', retryAfterSeconds: null }],
  ],
  invalid: (sentence) => [400, { error: sentence }],
  running: [job('CREATED'), job('running', { completed_tasks: 1 })],
  unknownState: job('DREAMING'),
  completed: (result) => job('completed', { results: [task(result)] }),
  results: (result) => [task(result)],
  failed: job('failed'),
  completedOtherJob: { job_id: 'up2', job_status: 'completed', results: [] },
});

const prediction = { model: 'acme/haiku', input: { prompt: 'héllo' }, ...ours };
const state = (status: string, more: object = {}) => ({ id: 'up1', status, ...more });

describeProvider('predictions', {
  makeClient(settings) {
    const client = createPredictions(settings);
    return { ...client, create: () => client.create(prediction) };
  },
  created: [201, { id: 'up1', status: 'starting' }],
  refusals: [
    [[422], { kind: 'invalid', sentence: null }],
    [[401], { kind: 'credentials_refused', sentence: null }],
    [[403], { kind: 'credentials_refused', sentence: null }],
    [[404], { kind: 'model_not_found' }],
    [[402, { detail: 'No credit' }], { kind: 'refused', cause: 'status_402', sentence: 'No credit' }],
    [[307, '', { location: '/elsewhere' }], { kind: 'refused', cause: 'status_307', sentence: null }],
    [[429, '', { 'retry-after': '7' }], { kind: 'unavailable', retryAfterSeconds: 7 }],
  ],
  invalid: (sentence) => [422, { detail: sentence }],
  running: [state('starting'), state('processing')],
  unknownState: state('dreaming'),
  completed: (output) => state('succeeded', { output }),
  results: (output) => [{ output }],
  failed: state('failed', { error: 'Out of memory' }),
  completedOtherJob: { id: 'up2', status: 'succeeded', output: 'x' },
});
