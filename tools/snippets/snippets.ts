import { curl } from './curl.ts';
import { go } from './go.ts';
import { javascript } from './javascript.ts';
import { python } from './python.ts';
import type { Kind, Templates } from './template.ts';
import { typescript } from './typescript.ts';

export type { Kind } from './template.ts';

/** submit posts a job, read waits until it has finished, receive is a server that takes webhooks. */
export const KINDS: readonly Kind[] = ['submit', 'read', 'receive'];

const TEMPLATES = { curl, javascript, typescript, python, go } satisfies Record<string, Templates>;

export type LanguageId = keyof typeof TEMPLATES;

const NAMES: Record<LanguageId, string> = {
  curl: 'cURL',
  javascript: 'JavaScript',
  typescript: 'TypeScript',
  python: 'Python',
  go: 'Go',
};

export interface Language {
  id: LanguageId;
  name: string;
  /** Without receive where the language cannot: cURL is no server. */
  kinds: readonly Kind[];
}

export const LANGUAGES: readonly Language[] = (Object.keys(NAMES) as LanguageId[]).map((id) => ({
  id,
  name: NAMES[id],
  kinds: KINDS.filter((kind) => kind in TEMPLATES[id]),
}));

export interface SnippetOptions {
  kind: Kind;
  /** As the deployment's output ApiUrl says it, with or without a slash at the end. */
  apiUrl: string;
  /** The body of POST /v1/jobs. */
  request: object;
}

/**
 * Code to be pasted, which needs nothing but its language. It reads `CLIENT_KEY`, `JOB_ID`, `WEBHOOK_SECRET` and `PORT`
 * from the environment: no secret is ever in it.
 * @throws a RangeError when the language has no snippet of that kind
 */
export function snippet(language: LanguageId, { kind, apiUrl, request }: SnippetOptions): string {
  const templates: Templates = TEMPLATES[language];
  const template = templates[kind];
  if (!template) throw new RangeError(`There is no ${kind} in ${NAMES[language]}`);
  return template({ jobsUrl: `${apiUrl.replace(/\/+$/, '')}/v1/jobs`, request });
}
