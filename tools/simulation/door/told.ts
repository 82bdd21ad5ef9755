import type { Job } from '../../../functions/core/job.ts';
import type { Invocation } from '../invocation.ts';
import { must, PROMPT } from '../judge.ts';
import type { Verdict } from './create.ts';
import type { Model } from './model.ts';
import type { Visit } from './visit.ts';

/** What the log and the metrics say of a submission. Of a refusal that is about the request, the log has no word of ModelStudio's. */
export function judgeTold(
  row: Job,
  verdict: Verdict,
  visit: Visit,
  { told, names, failures }: Invocation,
  door: Model,
) {
  const { jobId } = row;
  const [line, more] = told.filter(
    ({ stage, facts }) => stage === 'submit' && facts.outcome !== 'wake_up_unsent',
  );
  must(line !== undefined && more === undefined, 'I10', () => `${jobId} has no line of its own in the log`);
  const { facts, metrics } = line;
  const is = (what: string, holds: boolean) =>
    must(holds, 'I10', () => `the log has ${JSON.stringify(facts)} of ${jobId}: ${what}`);
  is('outcome', facts.outcome === verdict.kind);
  is('job', facts.job_id === jobId && facts.client === row.client);
  is('work', facts.model_id === row.modelId && facts.total_tasks === row.totalTasks);
  const millis = facts.duration_ms ?? -1;
  is('duration', millis >= 0 && millis <= door.now - visit.startedAt);
  is(
    'metrics',
    String(Object.keys(metrics)) === (verdict.metric ?? '') &&
      (metrics as Record<string, number>)[verdict.metric ?? ''] !== 0,
  );
  const isQuoting = verdict.sentence?.includes(PROMPT) === true;
  const expected = verdict.kind === 'invalid' || isQuoting ? null : verdict.sentence;
  is('sentence', (facts.said ?? null) === expected);
  const hasCause = ['refused', 'unknown'].includes(verdict.kind);
  is('cause', (facts.cause !== undefined) === hasCause);
  const isSlowed = names.has('PutItem durationStats');
  must(
    !isSlowed || verdict.kind === 'unavailable',
    'I19',
    () => `polls are slowed down for ${jobId}, which is ${verdict.kind}`,
  );
  const isOwed = verdict.kind === 'unavailable' && failures.length === 0 && !names.has('refused lately');
  must(!isOwed || isSlowed, 'I19', () => `ModelStudio is busy at ${jobId}, and no poll is slowed down`);
}
