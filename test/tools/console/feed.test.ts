import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Feed, type FeedEvent } from '../../../tools/local/console/feed.ts';

// The page's own code, which has no types but in its comments.
const { Story, figuresOf, isUndelivered } = await import(
  new URL('../../../tools/local/console/page/story.js', import.meta.url).href
);

const POLLS = 12;
const switches: FeedEvent = { type: 'switches', at: 0, switches: { slow: true } };

function log(stage: string, job: number, facts: object = {}): FeedEvent {
  return { type: 'log', at: 1_000_000 + job, stage, job_id: `job_${job}`, client: 'app', ...facts };
}

function beginning(job: number): FeedEvent[] {
  const submit = log('submit', job, { outcome: 'created', model_id: 'm', total_tasks: 1, duration_ms: 5 });
  const poll = log('poll', job, { outcome: 'running', completed_tasks: 0, total_tasks: 1, wait_seconds: 1 });
  return [submit, ...Array<FeedEvent>(POLLS).fill(poll)];
}

function end(job: number): FeedEvent[] {
  const facts = { model_id: 'm', total_tasks: 1, completed_tasks: 1, failed_tasks: 0, age_seconds: 1 };
  const attempt = { outcome: 'delivered', attempt: 1, status: 204, duration_ms: 9 };
  return [log('finish', job, { outcome: 'completed', ...facts }), log('deliver', job, attempt)];
}

/** A job of the story. */
interface Told {
  id: string;
  status: string;
  polls: unknown[];
  attempts: unknown[];
}

/** What a page that comes now is told. */
function snapshotOf(feed: Feed): FeedEvent[] {
  const written: string[] = [];
  const response = Object.assign(new EventEmitter(), {
    writeHead: () => response,
    write: (text: string) => written.push(text),
  });
  feed.follow(response as unknown as ServerResponse, switches);
  return JSON.parse(/^data: (.*)$/m.exec(written.join(''))?.[1] ?? '');
}

it('the feed tells of the parts of a job in the order in which all of it happened', () => {
  const feed = new Feed();
  const events = [
    log('submit', 1, { outcome: 'queued', total_tasks: 2 }),
    log('submit', 2, { outcome: 'created' }),
    log('create', 3, { outcome: 'created', part_of: 'job_1' }),
    log('poll', 1, { outcome: 'running' }),
  ];
  for (const event of events) feed.tell(event);
  expect(snapshotOf(feed)).toEqual([switches, events[0], events[2], events[3], events[1]]);
});

it('the feed drops whole jobs that have ended when it has too many, and never a running one', () => {
  const feed = new Feed();
  const tell = (events: FeedEvent[]) => {
    for (const event of events) feed.tell(event);
  };
  for (let job = 0; job < 100; job++) tell(beginning(job));
  for (let job = 100; job < 3100; job++) tell([...beginning(job), ...end(job)]);
  const told = snapshotOf(feed);
  expect(told[0]).toEqual(switches);
  expect(told.length).toBeLessThanOrEqual(20_001);

  const story = new Story();
  for (const event of told) story.add(event);
  const jobs: Told[] = [...story.jobs.values()];
  expect(jobs.filter(({ status }) => status === 'running').map(({ id }) => id)).toEqual(
    Array.from({ length: 100 }, (_, job) => `job_${job}`),
  );
  const ended = jobs.filter(({ status }) => status === 'completed');
  expect(ended.length).toBeGreaterThan(1000);
  expect(ended.every(({ polls, attempts }) => polls.length === POLLS && attempts.length === 1)).toBe(true);
  expect(story.switches).toEqual({ slow: true });
});

it('a page of more than 3000 jobs drops those that have ended, and their later events', () => {
  const story = new Story();
  const add = (events: FeedEvent[]) => {
    for (const event of events) story.add(event);
  };
  add(beginning(0));
  for (let job = 1; job <= 3500; job++) add([...beginning(job), ...end(job).slice(0, 1)]);
  for (let job = 1; job <= 3500; job++) add(end(job).slice(1));
  expect(story.jobs.size).toBe(3000);
  const states = new Map<string, number>();
  for (const { status } of story.jobs.values()) states.set(status, (states.get(status) ?? 0) + 1);
  expect([...states]).toEqual([
    ['running', 1],
    ['completed', 2999],
  ]);
});

describe('webhooks of receivers that are not the inbox', () => {
  const attempt = (job: number, outcome: string, number = 1) =>
    log('deliver', job, { outcome, attempt: number, duration_ms: 9 });
  const storyOf = (...events: FeedEvent[]) => {
    const story = new Story();
    for (const event of events) story.add(event);
    return story;
  };

  it('count once when they are delivered, however often they were tried', () => {
    const story = storyOf(
      ...[...beginning(1), ...end(1).slice(0, 1), attempt(1, 'retry'), attempt(1, 'delivered', 2)],
      ...[...beginning(2), ...end(2).slice(0, 1), attempt(2, 'retry'), attempt(2, 'exhausted', 2)],
      ...[...beginning(3), ...end(3)],
    );
    expect(figuresOf(story.jobs.values())).toMatchObject({ delivered: 2, undelivered: 1, retrying: 0 });
  });

  it.each([
    ['delivered', false],
    ['retry', true],
    ['exhausted', true],
    ['gone', true],
    ['blocked', true],
  ])('decide whether a job opens on its webhook: %s: %s', (outcome, isFirst) => {
    const story = storyOf(...beginning(1), ...end(1).slice(0, 1), attempt(1, outcome));
    expect(isUndelivered(story.jobs.get('job_1'))).toBe(isFirst);
    expect(isUndelivered(storyOf(...beginning(1)).jobs.get('job_1'))).toBe(false);
  });
});
