import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { referencePage } from '../../openapi/reference.ts';
import { type Kind, LANGUAGES, snippet } from '../../snippets/snippets.ts';
import type { Inbox } from '../inbox.ts';
import type { Sandbox } from '../sandbox/server.ts';
import { bodyOf, json, send } from './answer.ts';
import type { Feed, FeedEvent } from './feed.ts';
import type { ClientKeys } from './proxy.ts';
import { createSwitches } from './switches.ts';

type Responder = (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> | void;

export interface ConsoleOptions {
  inbox: Inbox;
  /** Null: the upstream is somebody else's. */
  sandbox: Sandbox | null;
  modelIds: readonly string[];
  apiUrl: string;
  keys: ClientKeys;
  /** Where a page that was left open finds it again after a restart; another one if that is taken. 0: any. */
  port: number;
}

export interface Context extends ConsoleOptions {
  feed: Feed;
  inboxUrl: string;
  /** What jobs were asked, by their ids. */
  requests: ReadonlyMap<string, unknown>;
}

/** What the page requests in addition to its own files and the API. */
export function createRoutes({ feed, requests, ...context }: Context): Record<string, Responder> {
  const { apiUrl, keys, modelIds, inboxUrl } = context;
  const switches = createSwitches(context.sandbox, context.inbox);
  const switchesEvent = (): FeedEvent => ({ type: 'switches', at: Date.now(), switches: switches.state() });
  return {
    'GET /events': (_request, response) => feed.follow(response, switchesEvent()),
    'GET /setup': (_request, response) =>
      json(response, 200, {
        clients: Object.keys(keys),
        model_ids: modelIds,
        inbox_url: inboxUrl,
        languages: LANGUAGES,
        switches: switches.state(),
      }),
    'GET /request': (_request, response, url) =>
      json(response, 200, requests.get(url.searchParams.get('job_id') ?? '') ?? null),
    'POST /switches': async (request, response) => {
      const { name, on } = JSON.parse(await bodyOf(request));
      if (!(await switches.set(String(name), on === true))) return json(response, 404, {});
      feed.tell(switchesEvent());
      json(response, 200, switches.state());
    },
    'POST /snippet': async (request, response) => {
      const { language, kind, request: asked } = JSON.parse(await bodyOf(request));
      const known = LANGUAGES.find(({ id, kinds }) => id === language && kinds.includes(kind));
      if (!known) return json(response, 404, {});
      json(response, 200, { code: snippet(known.id, { kind: kind as Kind, apiUrl, request: asked }) });
    },
    'GET /docs': (_request, response) => {
      const document = JSON.parse(
        readFileSync(new URL('../../../functions/jobs/openapi.json', import.meta.url), 'utf8'),
      );
      send(response, 200, 'text/html; charset=utf-8', referencePage(document));
    },
  };
}
