// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from './load.ts';

/** Bugs by which no job is lost, yet something is late, dearer, or not as promised. */
export const QUIET_MUTANTS: Mutant[] = [
  {
    name: 'a submission is given up while the function may still run',
    file: 'core/limits.ts',
    find: 'SUBMIT_LEASE_MILLIS = 60_000;',
    replace: 'SUBMIT_LEASE_MILLIS = 5_000;',
    seed: 97,
  },
  {
    name: 'a refused job is removed without waiting for it',
    file: 'submit/submit.ts',
    find: "      if (creation.kind === 'unavailable') await world.durationStats.throttled();\n      await world.jobs.remove(job);",
    replace:
      "      if (creation.kind === 'unavailable') await world.durationStats.throttled();\n      void world.jobs.remove(job);",
    seed: 30,
  },
  {
    name: 'the default webhook is forgotten',
    file: 'submit/submit.ts',
    find: 'const { webhook_url: url = settings.defaultWebhookUrl, expires_in } = submission;',
    replace: 'const { webhook_url: url = null, expires_in } = submission;\n  void settings;',
    seed: 8,
  },
  {
    name: 'an app is asked to wait as long as ModelStudio likes',
    file: 'submit/submit.ts',
    find: 'Math.min(RETRY_AFTER_MAX_SECONDS, Math.max(1, asked));',
    replace: 'Math.max(RETRY_AFTER_MAX_SECONDS * 0 + 1, asked);',
    seed: 129,
  },
  {
    name: 'who loses a race to record leaves it at that',
    file: 'write-conflicts.ts',
    find: '    row = await jobs.find(job.jobId);\n    return LOST;',
    replace: '    row = null;\n    return false;',
    seed: 14,
  },
  {
    name: 'the size of an event is counted in characters',
    file: 'finish/finish.ts',
    find: 'Buffer.byteLength(whole) <= EVENT_MAX_BYTES',
    replace: 'whole.length <= EVENT_MAX_BYTES',
    seed: 36,
  },
  {
    name: 'that a delivery could not be set off is swallowed',
    file: 'finish/finish.ts',
    find: '  await startDelivery(after, world);',
    replace: '  await startDelivery(after, world).catch(() => undefined);',
    seed: 25,
  },
  {
    name: 'a lease is longer than the queue hides the message',
    file: 'core/limits.ts',
    find: 'ATTEMPT_LEASE_MILLIS = 60_000;',
    replace: 'ATTEMPT_LEASE_MILLIS = 900_000;',
  },
  {
    name: 'attempts are counted by the row alone',
    file: 'deliver/deliver.ts',
    find: 'Math.max(job.webhook.attempts, message.attempts) + 1;',
    replace: 'job.webhook.attempts + 1;',
    seed: 34,
  },
  {
    name: 'a log keeps its oldest attempts',
    file: 'core/transitions.ts',
    find: '.slice(-ATTEMPTS_KEPT) };',
    replace: '.slice(0, ATTEMPTS_KEPT) };',
    seed: 176,
  },
  {
    name: 'the sweeper trusts its index',
    file: 'sweep/sweep.ts',
    find: '  if (job === null || at === null || at > now) return;',
    replace: '  if (job === null || at === null) return;',
  },
  {
    name: 'a rescued poll is written down, then sent',
    file: 'sweep/sweep.ts',
    find: '  await world.wakeUps.poll({ ...message, pollsSinceRecord: 0, isSeen: true }, 0);\n  await world.jobs.replace(rescued(job, wakeUp, now));',
    replace:
      '  await world.jobs.replace(rescued(job, wakeUp, now));\n  await world.wakeUps.poll({ ...message, pollsSinceRecord: 0, isSeen: true }, 0);',
    seed: 42,
  },
  {
    name: 'the sweeper does not stop in time',
    file: 'sweep/sweep.ts',
    find: '    if (world.clock.now() >= until) break;\n',
    replace: '    void until;\n',
    seed: 220,
  },
  {
    name: 'a redelivery is not watched over',
    file: 'core/transitions.ts',
    find: '  return withWebhook(job, { ...round, expectedWakeUp: nextWakeUp(last, now, random), leaseUntil: null }, now);',
    replace:
      '  const after = withWebhook(job, { ...round, expectedWakeUp: nextWakeUp(last, now, random), leaseUntil: null }, now);\n  return { ...after, wakeUpDeadline: after.wakeUpDeadline + 1e12 };',
  },
  {
    name: 'a page of a list is one short',
    file: 'edge/jobs-table.ts',
    find: 'Limit: limit + 2,',
    replace: 'Limit: limit + 1,',
    seed: 116,
  },
  {
    name: 'keys that DynamoDB left unread are not asked for again',
    file: 'edge/jobs-table.ts',
    find: '(UnprocessedKeys?.[tableName]?.Keys ?? []).flatMap(',
    replace: '(UnprocessedKeys?.[tableName]?.Keys ?? []).slice(0, 0).flatMap(',
    seed: 35,
  },
  {
    name: 'a second delivery of a message is no repeat',
    file: 'edge/lambda-sqs.ts',
    find: 'handle(parse(body), receives > 1);',
    replace: 'handle(parse(body), receives > 2);',
  },
  {
    name: 'how ModelStudio bears the polling is not looked at again',
    file: 'edge/duration-stats.ts',
    find: '      readUntil = clock.now() + BACKPRESSURE_CACHE_MILLIS;',
    replace: '      readUntil = Number.POSITIVE_INFINITY + 0 * BACKPRESSURE_CACHE_MILLIS;',
  },
  {
    name: 'calls to AWS have no time-out',
    file: 'edge/aws.ts',
    find: '{ requestTimeout: AWS_TRY_MILLIS, throwOnRequestTimeout: true };',
    replace: '{ throwOnRequestTimeout: true };',
  },
  {
    name: 'a time-out of a call to AWS is only warned of',
    file: 'edge/aws.ts',
    find: 'throwOnRequestTimeout: true };',
    replace: 'throwOnRequestTimeout: false };',
  },
  {
    name: 'DynamoDB is tried as often as the SDK likes',
    file: 'edge/aws.ts',
    find: '  maxAttempts: AWS_TRIES,\n  requestHandler: { ...requestHandler,',
    replace: '  requestHandler: { ...requestHandler,',
  },
  {
    name: 'a write whose answer was lost is taken for somebody else’s',
    file: 'edge/jobs-table.ts',
    find: "?.['writeId'] === writeId;",
    replace: "?.['writeId'] === writeId + 1;",
    seed: 197,
  },
  {
    name: 'a message that SQS did not take counts as sent',
    file: 'edge/wake-ups.ts',
    find: 'for (const { Id, Code } of Failed)',
    replace: 'for (const { Id, Code } of Failed.slice(99))',
    seed: 23,
  },
  {
    name: 'a revoked key is remembered for good',
    file: 'edge/client-keys.ts',
    find: 'if (cached && cached.until > clock.now()) return cached.key;',
    replace: 'if (cached) return cached.key;',
  },
  {
    name: 'a scope is not asked for',
    file: 'http/authorize.ts',
    find: 'key.scopes.some((scope) => scope === match.scope);',
    replace: 'key.scopes.length > 0;',
  },
];
