// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.

/** A bug to be planted into a file of functions/: the exact text that it replaces, once. */
export interface Mutant {
  name: string;
  file: string;
  find: string;
  replace: string;
}

/** Bugs that such systems have had. The simulator must catch each of them. */
export const MUTANTS: Mutant[] = [
  {
    name: 'create before record',
    file: 'submit/submit.ts',
    find: '  const isNew = await world.jobs.insert(job);',
    replace:
      '  const early = await world.modelStudio.create(parsed); const isNew = await world.jobs.insert(job); void early;',
  },
  {
    name: 'an idempotency key is forgotten',
    file: 'submit/submit.ts',
    find: 'jobId: idempotencyKey === undefined ? jobIdOf(random.bytes()) : jobIdOfKey(client, idempotencyKey),',
    replace: 'jobId: jobIdOf(random.bytes()),',
  },
  {
    name: 'an idempotency key is not scoped to its client, nor is its job',
    file: 'http/show.ts',
    find: '  return job?.client === client ? job : null;',
    replace: '  return client ? job : null;',
  },
  {
    name: 'a different request under the same key is replayed',
    file: 'submit/submit.ts',
    find: "  if (existing.fingerprint !== job.fingerprint) return problem('idempotency_key_reused', request.requestId);\n",
    replace: '',
  },
  {
    name: 'an unknown outcome is taken for a refusal',
    file: 'core/upstream/read-answer.ts',
    find: 'return { kind, cause: `status_${status}` };',
    replace: "return { kind: 'unavailable', retryAfterSeconds: null };",
  },
  {
    name: 'a create that was cut is taken for a refusal',
    file: 'core/upstream/read-answer.ts',
    find: "const isUnsent = outcome.kind === 'not_connected' ||",
    replace: "const isUnsent = outcome.kind === 'cut' || outcome.kind === 'not_connected' ||",
  },
  {
    name: 'a refusal is taken for an unknown outcome',
    file: 'core/upstream/dialect/status-codes.ts',
    find: "'4xx': 'refused',",
    replace: "'4xx': 'unknown',",
  },
  {
    name: 'a redirect is taken for an unknown outcome',
    file: 'core/upstream/dialect/status-codes.ts',
    find: "'3xx': 'refused',",
    replace: "'3xx': 'unknown',",
  },
  {
    name: 'a gap at the end is believed at once',
    file: 'core/upstream/report.ts',
    find: 'const isAwaited = report.results.missing > 0 &&',
    replace: 'const isAwaited = report.results.missing > 99 &&',
  },
  {
    name: 'a gap at the end is waited for too short a time',
    file: 'core/upstream/report.ts',
    find: 'gaps: 60_000,',
    replace: 'gaps: 10_000,',
  },
  {
    name: 'results go by their order, whatever they say',
    file: 'core/upstream/results.ts',
    find: 'yield [isByIndex ? ownIndex(body, value) : position, value];',
    replace: 'yield [position, value];',
  },
  {
    name: 'a result that is missing has not failed',
    file: 'core/upstream/results.ts',
    find: 'failedTasks: missing + ',
    replace: 'failedTasks: 0 * missing + ',
  },
  {
    name: 'a job that was seen is taken for lost',
    file: 'core/upstream/report.ts',
    find: '(!job.isSeen && now - doubt.since',
    replace: '(now - doubt.since',
  },
  {
    name: 'nobody remembers that a job was seen',
    file: 'poll/poll.ts',
    find: "const isSeen = job.isSeen || report.kind === 'running' || isEnd(report);",
    replace: 'const isSeen = false;',
  },
  {
    name: 'a 404 of a moment ends a job',
    file: 'core/upstream/report.ts',
    find: 'missing: 600_000,',
    replace: 'missing: 0,',
  },
  {
    name: 'the sweeper is off',
    file: 'sweep/sweep.ts',
    find: '  const shards = Array.from({ length: SHARDS }',
    replace: '  const shards = Array.from({ length: 0 * SHARDS }',
  },
  {
    name: 'a shard that cannot be read ends the sweep of the others',
    file: 'sweep/sweep.ts',
    find: '  const outcomes = await Promise.allSettled(shards);',
    replace:
      "  const outcomes = (await Promise.all(shards)).map((value) => ({ status: 'fulfilled' as const, value }));",
  },
  {
    name: 'the sweeper forgets finished jobs',
    file: 'core/polling/overdue.ts',
    find: "  return job.webhook?.status === 'pending' ? job.wakeUpDeadline : null;",
    replace: '  return null;',
  },
  {
    name: 'the sweeper is too eager',
    file: 'core/polling/overdue.ts',
    find: 'const DEADLINE_EXTENSION_MILLIS = 15 * 60_000;',
    replace: 'const DEADLINE_EXTENSION_MILLIS = 1000;',
  },
  {
    name: 'the sweeper leaves abandoned submissions',
    file: 'core/polling/overdue.ts',
    find: "  if (job.status === 'submitting' || job.status === 'running') {",
    replace: "  if (job.status === 'submitting') return null;\n  if (job.status === 'running') {",
  },
  {
    name: 'a stale wake-up is not recognised',
    file: 'core/job.ts',
    find: "  return isExpected ? 'expected' : 'stale';",
    replace: "  return 'expected';",
  },
  {
    name: 'a delivery takes no lease',
    file: 'deliver/deliver.ts',
    find: 'if (isClaimed(job.webhook, now))',
    replace: 'if (isClaimed(job.webhook, now + 1e12))',
  },
  {
    name: 'a delivery is claimed by two',
    file: 'deliver/deliver.ts',
    find: '    if (!(await world.jobs.replace(ours))) return LOST;',
    replace: '    await world.jobs.replace(ours);',
  },
  {
    name: 'a delivery that fails keeps its lease',
    file: 'deliver/deliver.ts',
    find: '.catch((error) => giveBack(ours, error, world));',
    replace: ';',
  },
  {
    name: 'a message whose webhook is leased is acknowledged',
    file: 'deliver/deliver.ts',
    find: '  return leaseUntil;',
    replace: '  return leaseUntil && null;',
  },
  {
    name: 'a 500 of the receiver counts as success',
    file: 'core/webhook/attempt.ts',
    find: 'exchange.status >= 200 && exchange.status < 300;',
    replace: 'exchange.status >= 200 && exchange.status <= 500;',
  },
  {
    name: 'deliveries are given up one attempt early',
    file: 'core/webhook/attempt.ts',
    find: 'const scheduled = scheduleSeconds[attempts];',
    replace: 'const scheduled = scheduleSeconds[attempts + 1];',
  },
  {
    name: 'deliveries never stop',
    file: 'core/webhook/attempt.ts',
    find: 'const scheduled = scheduleSeconds[attempts];',
    replace: 'const scheduled = scheduleSeconds[attempts] ?? 60;',
  },
  {
    name: 'a delay over 900 s',
    file: 'core/sqs-delay.ts',
    find: '  return Math.min(DELAY_MAX_SECONDS, Math.max(0, seconds));',
    replace: '  return Math.max(0, seconds);',
  },
  {
    name: 'a delay that is not whole',
    file: 'core/sqs-delay.ts',
    find: '  const seconds = Math.ceil((dueAt - now) / 1000);',
    replace: '  const seconds = (dueAt - now) / 1000;',
  },
  {
    name: 'a new webhook-id per attempt',
    file: 'deliver/deliver.ts',
    find: 'world.webhooks.send(job.webhook, body);',
    replace: 'world.webhooks.send({ ...job.webhook, id: `${job.webhook.id}${job.webhook.attempts}` }, body);',
  },
  {
    name: 'the body says when it was sent',
    file: 'deliver/deliver.ts',
    find: 'world.webhooks.send(job.webhook, body);',
    replace: 'world.webhooks.send(job.webhook, `${body}${world.clock.now()}`);',
  },
  {
    name: 'the first delivery is not waited for',
    file: 'finish/finish.ts',
    find: '  await startDelivery(after, world);',
    replace: '  void startDelivery(after, world).catch(() => undefined);',
  },
  {
    name: 'two workers that finish a job share a document',
    file: 'finish/finish.ts',
    find: '${job.jobId}/${base32(world.random.bytes())}.json`;',
    replace: '${job.jobId}.json`;',
  },
  {
    name: 'a lost race ends the job all the same',
    file: 'poll/poll.ts',
    find: '    if (isFinished(job)) return startDelivery(job, world);\n',
    replace: '',
  },
  {
    name: 'the poller does not look at the expiry',
    file: 'core/upstream/report.ts',
    find: 'const isDue = job.expiresAt <= now;',
    replace: 'const isDue = job.expiresAt <= now - 1e12;',
  },
  {
    name: 'trouble ends a job',
    file: 'core/upstream/report.ts',
    find: "    case 'transient_error': {\n",
    replace:
      "    case 'transient_error': {\n      if (true) return { step: 'finish', end: expired(job, report) };\n",
  },
  {
    name: 'the prompt is kept in the row',
    file: 'submit/submit.ts',
    find: '    metadata: submission.metadata,',
    replace: '    metadata: { ...submission.metadata, prompt: JSON.stringify(submission.messages) },',
  },
  {
    name: 'versions are not counted',
    file: 'core/transitions.ts',
    find: 'updatedAt: now, version: version + 1 };',
    replace: 'updatedAt: now, version };',
  },
  {
    name: 'the next wake-up is recorded, then sent',
    file: 'poll/poll.ts',
    find: "  if (next.step === 'wait') await world.wakeUps.poll(",
    replace:
      "  const early = polled(job, known, wakeUp, now);\n  if (!(await world.jobs.replace(early))) return;\n  job = early;\n  if (next.step === 'wait') await world.wakeUps.poll(",
  },
  {
    name: 'the webhook of a finished job is set off before its row is written',
    file: 'finish/finish.ts',
    find: '  if (!(await world.jobs.replace(after))) return null;\n  logFinished(job, after, end, world);\n  await startDelivery(after, world);\n',
    replace: '  await startDelivery(after, world);\n  if (!(await world.jobs.replace(after))) return null;\n',
  },
  {
    name: 'two chains of polls never meet',
    file: 'poll/poll.ts',
    find: '  const records = mustRecord || isWorthWriting || message.pollsSinceRecord >= POLLS_SINCE_RECORD_MAX;',
    replace: '  const records = isWorthWriting && message.pollsSinceRecord < 0;',
  },
  {
    name: 'a watch is not renewed',
    file: 'core/polling/overdue.ts',
    find: '  return dueAt + LOST_AFTER_MILLIS <= wakeUpDeadline ? wakeUpDeadline : dueAt + DEADLINE_EXTENSION_MILLIS;',
    replace: '  return wakeUpDeadline + 0 * dueAt;',
  },
  {
    name: 'a redelivery does not begin a round of its own',
    file: 'core/transitions.ts',
    find: 'attemptsBefore: webhook.attempts,',
    replace: 'attemptsBefore: webhook.attemptsBefore,',
  },
  {
    name: 'a redelivery begins its chain anew',
    file: 'core/transitions.ts',
    find: ': { seq: lastSeq };',
    replace: ': { seq: 0 * lastSeq };',
  },
  {
    name: 'an attempt forgets how often its webhook was redelivered',
    file: 'core/transitions.ts',
    find: '  const { status, expectedWakeUp, leaseUntil, ...kept } = webhook;',
    replace: '  const { status, expectedWakeUp, leaseUntil, redelivered, ...kept } = webhook;',
  },
  {
    name: 'a webhook is redelivered as often as is asked for',
    file: 'jobs/redeliver.ts',
    find: '    const seconds = waitForRound(webhook, now);',
    replace: '    const seconds: number | null = waitForRound(webhook, now) && 0;',
  },
  {
    name: 'a redelivery is sent, then recorded',
    file: 'jobs/redeliver.ts',
    find: '  if (!(await world.jobs.replace(after))) return false;\n',
    replace:
      '  await world.wakeUps.deliver({ jobId: after.jobId, wakeUp: after.webhook.expectedWakeUp, attempts: after.webhook.attempts }, 0);\n  if (true) return world.jobs.replace(after);\n',
  },
  {
    name: 'a redelivery disregards an attempt that is under way',
    file: 'jobs/redeliver.ts',
    find: '    if (isClaimed(webhook, now)) {',
    replace: '    if (isClaimed(webhook, now + 1e12)) {',
  },
  {
    name: 'a finished job is cancelled',
    file: 'jobs/cancel.ts',
    find: '    if (isFinished(job)) {',
    replace: "    if (isFinished(job) && job.status === 'cancelled') {",
  },
  {
    name: 'a list leaves out the first job of a page',
    file: 'jobs/list.ts',
    find: 'of found.jobs) {',
    replace: 'of found.jobs.slice(1)) {',
  },
  {
    name: 'a failed message is acknowledged',
    file: 'poll/poll.ts',
    find: '    report ??= await ask(running, world);',
    replace: "    report ??= await ask(running, world);\n    if (report.kind === 'transient_error') return;",
  },
];
