import type { ServerResponse } from 'node:http';
import type { LogLine } from '../narrate.ts';

/** What happened, in the form that the page gets. */
export type FeedEvent = { at: number } & (
  | ({ type: 'log'; stage: string } & Record<string, unknown>)
  | {
      type: 'webhook';
      job_id: string;
      event: string;
      /** Null: it came to a bus, without a signature. */
      verified: boolean | null;
      headers: Record<string, unknown>;
    }
  | { type: 'switches'; switches: Record<string, boolean> }
);

/** Some dozen events for each of a thousand jobs. */
const KEPT_MAX = 20_000;
/** A page that reads nothing for so long is let go; it comes back by itself and starts from a snapshot. */
const UNREAD_MAX_BYTES = 16 * 1024 * 1024;
const NEVER_SHOWN = ['_aws', 'level', 'message', 'timestamp', 'service'];

/** The story so far, and those who follow it by server-sent events. */
export class Feed {
  /** By job, the oldest first and its parts with it, as half a job's story would be a wrong one. */
  readonly #jobs = new Map<string, FeedEvent[]>();
  #kept = 0;
  readonly #followers = new Set<ServerResponse>();

  tell(event: FeedEvent): void {
    this.#keep(event);
    for (const follower of this.#followers) {
      if (follower.writableLength > UNREAD_MAX_BYTES) follower.destroy();
      else follower.write(message('event', event));
    }
  }

  /** @param switches how they stand now */
  follow(response: ServerResponse, switches: FeedEvent): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(message('snapshot', [switches, ...[...this.#jobs.values()].flat()]));
    this.#followers.add(response);
    response.once('close', () => this.#followers.delete(response));
  }

  #keep(event: FeedEvent): void {
    if (!('job_id' in event) || typeof event.job_id !== 'string') return;
    const id = event.type === 'log' ? String(event['part_of'] ?? event['job_id']) : event.job_id;
    const events = this.#jobs.get(id) ?? [];
    this.#jobs.set(id, events);
    events.push(event);
    this.#kept += 1;
    if (this.#kept <= KEPT_MAX) return;
    const oldest = this.#oldest();
    this.#kept -= this.#jobs.get(oldest)?.length ?? 0;
    this.#jobs.delete(oldest);
  }

  /** One that has ended, if there is one. */
  #oldest(): string {
    for (const [id, events] of this.#jobs) if (events.some(isEnd)) return id;
    return this.#jobs.keys().next().value ?? '';
  }
}

function isEnd(event: FeedEvent): boolean {
  return event.type === 'log' && event.stage === 'finish' && !event['part_of'];
}

/** A line of a function's log, with its facts but without the metrics in it. */
export function logEvent(line: LogLine): FeedEvent {
  const facts = Object.entries(line).filter(([name]) => !NEVER_SHOWN.includes(name) && !/^[A-Z]/.test(name));
  const at = Date.parse(String(line['timestamp'])) || Date.now();
  return { ...Object.fromEntries(facts), type: 'log', at, stage: line.message };
}

function message(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
