import { readFileSync } from 'node:fs';
import { literal, quoted } from './literal.ts';
import { JAVASCRIPT_NOTATION, JSON_NOTATION, PYTHON_NOTATION } from './notations.ts';

/** submit posts a job, read waits until it has finished, receive is a server that takes webhooks. */
export const KINDS = ['submit', 'read', 'receive'] as const;

export type Kind = (typeof KINDS)[number];

/** What the files in examples/ use, as they run against `npm start`. */
export const LOCAL_URL = 'http://127.0.0.1:8787';
export const EXAMPLE_REQUEST = {
  model_id: 'sandbox-instant',
  messages: [[{ role: 'user', content: 'Name the capital of France.' }]],
};

/** How a language's files are named, and how a URL and a request are written in them. */
interface Syntax {
  name: string;
  extension: string;
  kinds: readonly Kind[];
  text(value: string): string;
  request(value: object): string;
}

const inJavaScript = {
  kinds: KINDS,
  text: JAVASCRIPT_NOTATION.string,
  request: (value: object) => literal(value, JAVASCRIPT_NOTATION),
};

const SYNTAXES = {
  curl: {
    name: 'cURL',
    extension: 'sh',
    // It is no server.
    kinds: ['submit', 'read'],
    text: (value) => `'${value.replaceAll("'", "'\\''")}'`,
    request: (value) => literal(value, JSON_NOTATION),
  },
  javascript: { name: 'JavaScript', extension: 'mjs', ...inJavaScript },
  typescript: { name: 'TypeScript', extension: 'mts', ...inJavaScript },
  python: {
    name: 'Python',
    extension: 'py',
    kinds: KINDS,
    text: quoted,
    request: (value) => literal(value, PYTHON_NOTATION),
  },
  go: {
    name: 'Go',
    extension: 'go',
    kinds: KINDS,
    text: quoted,
    // A raw string has no escapes of its own: JSON has one for its only delimiter.
    request: (value) => `\`${literal(value, JSON_NOTATION).replaceAll('`', '\\u0060')}\``,
  },
} satisfies Record<string, Syntax>;

export type LanguageId = keyof typeof SYNTAXES;

export interface Language {
  id: LanguageId;
  name: string;
  kinds: readonly Kind[];
}

export const LANGUAGES: readonly Language[] = (Object.keys(SYNTAXES) as LanguageId[]).map((id) => ({
  id,
  name: SYNTAXES[id].name,
  kinds: SYNTAXES[id].kinds,
}));

export interface SnippetOptions {
  kind: Kind;
  /** As the deployment's output ApiUrl says it, with or without a slash at the end. */
  apiUrl: string;
  /** The body of POST /v1/jobs. */
  request: object;
}

/**
 * A file of examples/ to be pasted, with this URL and request in the place of its own. It needs nothing but its language,
 * and reads `CLIENT_KEY`, `JOB_ID`, `WEBHOOK_SECRET` and `PORT` from the environment: no secret is ever in it.
 * @throws a RangeError when the language has no snippet of that kind
 */
export function snippet(id: LanguageId, { kind, apiUrl, request }: SnippetOptions): string {
  const language: Syntax = SYNTAXES[id];
  if (!language.kinds.includes(kind)) throw new RangeError(`There is no ${kind} in ${language.name}`);
  const file = new URL(`../../examples/${id}/${kind}.${language.extension}`, import.meta.url);
  return readFileSync(file, 'utf8')
    .replace(language.text(jobsUrl(LOCAL_URL)), () => language.text(jobsUrl(apiUrl)))
    .replace(language.request(EXAMPLE_REQUEST), () => language.request(request));
}

function jobsUrl(apiUrl: string): string {
  return `${apiUrl.replace(/\/+$/, '')}/v1/jobs`;
}
