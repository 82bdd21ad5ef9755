/** A branch of a flow that a thousand seeds hardly meet, and the test that does. */
export interface Unmet {
  file: string;
  /** Its line, and which way on from there. */
  text: string;
  way: string;
  test: string;
  /** A text in its title, or in its row of a table. */
  title: string;
}

export const UNMET: readonly Unmet[] = [
  {
    file: 'functions/deliver/deliver.ts',
    text: 'const isOurRound = isPending(row) && row.webhook.attemptsBefore === job.webhook.attemptsBefore;',
    way: 'not beyond &&',
    test: 'test/flows/deliver.test.ts',
    title: 'is dropped if the webhook has settled',
  },
  {
    file: 'functions/deliver/deliver.ts',
    text: 'return isOurRound && (row.webhook.expectedWakeUp?.seq ?? 0) < wakeUp.seq',
    way: 'not beyond &&',
    test: 'test/flows/deliver.test.ts',
    title: 'is dropped if the webhook has settled',
  },
  {
    file: 'functions/deliver/deliver.ts',
    text: 'return isOurRound && (row.webhook.expectedWakeUp?.seq ?? 0) < wakeUp.seq',
    way: 'beyond ??',
    test: 'test/flows/deliver.test.ts',
    title: 'is written where nothing is awaited',
  },
  {
    file: 'functions/deliver/deliver.ts',
    text: ': null;',
    way: 'it does not',
    test: 'test/flows/deliver.test.ts',
    title: 'is dropped if the webhook has settled',
  },
  {
    file: 'functions/create/create.ts',
    text: 'return (await world.jobs.find(job.jobId).catch(() => null)) ?? running;',
    way: 'beyond ??',
    test: 'test/flows/submit.test.ts',
    title: 'shows the job as running even when its row is gone',
  },
  {
    file: 'functions/create/create.ts',
    text: 'return (await world.jobs.find(job.jobId).catch(() => null)) ?? running;',
    way: 'it is called',
    test: 'test/edge/formats/later.test.ts',
    title: 'a submission whose row a later release has taken over is answered with its job',
  },
  {
    file: 'functions/submit/submit.ts',
    text: "return abandoned === null ? inProgress : accept(abandoned, { 'idempotency-replayed': 'true' }, world);",
    way: 'it holds',
    test: 'test/flows/submit.test.ts',
    title: 'is just being ended by another worker',
  },
  {
    file: 'functions/sweep/sweep.ts',
    text: 'const at = job && overdueAt(job);',
    way: 'not beyond &&',
    test: 'test/flows/sweep.test.ts',
    title: 'leaves a job alone that is gone',
  },
  {
    file: 'functions/write-conflicts.ts',
    text: 'const after = row && change(row);',
    way: 'not beyond &&',
    test: 'test/flows/write-conflicts.test.ts',
    title: 'is not written when the row is gone',
  },
];
