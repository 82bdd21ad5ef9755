import type { Job, JobRow } from '../../../functions/core/job.ts';
import type { Log } from '../../../functions/core/log.ts';
import type { DeliverMessage, PollMessage } from '../../../functions/core/messages.ts';
import { type Around, AS_IT_IS, type HandledWorld } from '../../../test/cloud/handlers.ts';
import type { Simulation } from '../simulation.ts';
import { DeliverHandling } from './deliver-handling.ts';
import type { Handling, Told } from './handling.ts';
import { PollHandling } from './poll-handling.ts';
import { Sweeping } from './sweeping.ts';

type Judge = (verdict: () => void) => void;

/** Has whatever is done for a message, or in a sweep, compared with the reference. */
export function judged(sim: Simulation): Around {
  const judge: Judge = (verdict) => sim.judge(verdict);
  return {
    ...AS_IT_IS,
    poll: async (message, isRepeat, world, handle) => {
      const handling = new PollHandling(message, isRepeat, world);
      await judging(judge, handling, () => handle(polling(world, handling, judge)));
      judge(() => handling.done());
    },
    deliver: async (message, world, handle) => {
      const handling = new DeliverHandling(message, world);
      const again = await judging(judge, handling, () => handle(delivering(world, handling, judge)));
      judge(() => handling.finished(again));
      return again;
    },
    sweep: async (world, handle) => {
      const sweeping = new Sweeping(world);
      const isFailed = await handle(sweepingIn(world, sweeping, judge)).then(
        () => null,
        (error) => ({ error }),
      );
      judge(() => sweeping.over(isFailed !== null));
      if (isFailed) throw isFailed.error;
    },
  };
}

async function judging<T>(judge: Judge, handling: Handling, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    judge(() => handling.failed());
    throw error;
  }
}

function ofOne(world: HandledWorld, handling: PollHandling | DeliverHandling, judge: Judge) {
  return common(
    world,
    () => handling,
    (told) => handling.tells(told),
    judge,
  );
}

function polling(world: HandledWorld, handling: PollHandling, judge: Judge): HandledWorld {
  const { modelStudio, durationStats, documents } = world;
  const watched = ofOne(world, handling, judge);
  return {
    ...watched,
    documents: {
      ...watched.documents,
      setAside(key, content) {
        handling.setAside.push(key);
        return handling.call(() => documents.setAside(key, content));
      },
    },
    modelStudio: {
      ...modelStudio,
      async report(job, limits) {
        judge(() => handling.asking(job.upstreamJobId));
        const report = await handling.call(() => modelStudio.report(job, limits));
        handling.report = report;
        return report;
      },
    },
    durationStats: {
      async forecast(bucket) {
        judge(() => handling.forecasts(bucket));
        const forecast = await handling.call(() => durationStats.forecast(bucket));
        handling.forecast = forecast;
        return forecast;
      },
      enroll(kind) {
        judge(() => handling.enrolls(kind));
        return Promise.resolve(null);
      },
      record(...lesson) {
        handling.lessons.push(lesson);
        return handling.call(() => durationStats.record(...lesson));
      },
      throttled() {
        handling.throttles += 1;
        return handling.call(() => durationStats.throttled());
      },
    },
  };
}

function delivering(world: HandledWorld, handling: DeliverHandling, judge: Judge): HandledWorld {
  const { documents, webhooks, lanes } = world;
  const watched = ofOne(world, handling, judge);
  return {
    ...watched,
    documents: {
      ...watched.documents,
      async load(ref) {
        const body = await handling.call(() => documents.load(ref));
        judge(() => handling.loaded(ref.key, body));
        return body;
      },
    },
    lanes: {
      async look() {
        await lanes.look();
        handling.looked();
      },
      async heldUntil(receiver) {
        const until = await lanes.heldUntil(receiver);
        judge(() => handling.held(until));
        return until;
      },
      watch: lanes.watch,
    },
    webhooks: {
      async send(webhook, body) {
        judge(() => handling.posting(webhook, body));
        const outcome = await handling.call(() => webhooks.send(webhook, body));
        handling.posted(outcome);
        return outcome;
      },
    },
  };
}

function sweepingIn(world: HandledWorld, sweeping: Sweeping, judge: Judge): HandledWorld {
  const watched = common(
    world,
    (jobId, isAnew) => sweeping.of(jobId, isAnew),
    (told) => sweeping.tells(told),
    judge,
  );
  const pages = (shard: number, now: number) => {
    judge(() => sweeping.begins(now));
    return sweeping.pages(shard, world.overdue.pages(shard, now));
  };
  return { ...watched, overdue: { pages } };
}

/** What all of them do: read and write rows, save documents, send wake-ups, tell of it. */
function common(
  world: HandledWorld,
  of: (jobId: string, isAnew?: boolean) => Handling,
  tell: (told: Told) => void,
  judge: Judge,
): HandledWorld {
  const { jobs, documents, requests, wakeUps, random, log } = world;
  // Between drawing a number and the step that it is drawn for, nobody else has a turn.
  let drawn = 0;
  const send =
    <M extends PollMessage | DeliverMessage>(queue: 'poll' | 'collect' | 'deliver') =>
    (message: M, delaySeconds: number) => {
      const handling = of(message.jobId);
      handling.fraction = drawn;
      const { trace, ...others } = message;
      judge(() => {
        handling.same('I26', 'a message is of the trace', { trace }, { trace: handling.row?.trace });
        handling.sending(queue, others as M, delaySeconds);
      });
      const sent = wakeUps[queue] as (message: M, delaySeconds: number) => Promise<void>;
      return handling.call(() => sent(message, delaySeconds));
    };
  const told =
    (how: keyof Log): Log[typeof how] =>
    (stage, fields, metrics = {}) => {
      // Which is judged by itself.
      const { trace_id, ...others } = fields;
      judge(() => tell({ stage, fields: others, metrics }));
      log[how](stage, fields, metrics);
    };
  return {
    ...world,
    jobs: {
      ...jobs,
      async find(jobId) {
        const handling = of(jobId, true);
        const row = await handling.call(() => jobs.find(jobId));
        judge(() => handling.found(row));
        return row;
      },
      async findRow(jobId) {
        const handling = of(jobId, true);
        const row = await handling.call(() => jobs.findRow(jobId));
        judge(() => handling.foundRow(row as Job | null));
        return row;
      },
      async replace(after: JobRow) {
        const handling = of(after.jobId);
        handling.fraction = drawn;
        judge(() => handling.writing(after as Job));
        const isWritten = await handling.call(() => jobs.replace(after));
        handling.wrote(isWritten);
        return isWritten;
      },
    },
    documents: {
      ...documents,
      save(key, json) {
        const handling = of(key.split('/')[1] ?? '');
        handling.saving(key, json);
        // Results and event are saved at once.
        return handling.call(() => documents.save(key, json), key.startsWith('results/'));
      },
      saveAll(key, bytes, texts) {
        const handling = of(key.split('/')[1] ?? '');
        const whole = [...(texts as Iterable<string>)].join('');
        handling.saving(key, whole);
        return handling.call(() => documents.saveAll(key, bytes, [whole]), true);
      },
      remove(ref) {
        const handling = of(ref.key.split('/')[1]?.replace('.json', '') ?? '');
        judge(() => handling.removing(ref.key));
        return handling.call(() => documents.remove(ref));
      },
    },
    requests: { ...requests, remove: (job) => of(job.jobId).call(() => requests.remove(job)) },
    wakeUps: { ...wakeUps, poll: send('poll'), collect: send('collect'), deliver: send('deliver') },
    random: {
      ...random,
      fraction() {
        drawn = random.fraction();
        return drawn;
      },
    },
    log: { event: told('event'), aggregate: told('aggregate') },
  };
}
