import { parseSubmission } from '../../functions/core/http/submission.ts';
import { needed, runCommand, UsageError } from '../commands/command.ts';
import { jsonIn } from '../commands/json-file.ts';
import {
  EXAMPLE_REQUEST,
  KINDS,
  type Kind,
  LANGUAGES,
  type Language,
  LOCAL_URL,
  snippet,
} from './snippets.ts';

const RULES = { ports: [], ownHost: null, loopback: true };

const HELP = `Prints code that uses the API, in a language of yours and without dependencies.

  npm run --silent snippet -- --lang python [--kind submit] [--model MODEL] [--url URL] [--request FILE]

  --lang LANG     ${LANGUAGES.map(({ id }) => id).join(', ')}
  --kind KIND     submit a job; read it until it has finished; receive webhooks and verify them. Default submit
  --model ID      the request's model, default ${EXAMPLE_REQUEST.model_id}
  --url URL       the stack's output ApiUrl, default ${LOCAL_URL}
  --request FILE  JSON of the request to submit, default one short conversation

The code takes what is secret from the environment: CLIENT_KEY, and WEBHOOK_SECRET when it receives. With an
IDEMPOTENCY_KEY of yours there, a submission that is run again gets the same job.
`;

function languageIn(id: string): Language {
  const found = LANGUAGES.find((language) => language.id === id);
  if (found) return found;
  throw new UsageError(`--lang must be one of ${LANGUAGES.map((language) => language.id).join(', ')}`);
}

function kindIn(text: string, { name, kinds }: Language): Kind {
  const kind = KINDS.find((candidate) => candidate === text);
  if (!kind) throw new UsageError(`--kind must be one of ${KINDS.join(', ')}`);
  if (!kinds.includes(kind)) throw new UsageError(`${name} cannot ${kind}; it can: ${kinds.join(', ')}`);
  return kind;
}

function urlIn(text: string): string {
  if (/^https?:\/\/[!-~]+$/.test(text) && URL.canParse(text)) return text;
  throw new UsageError('--url must be an http(s) URL');
}

/** A request as the API would take it: whatever is wrong with it is said now, not when the code runs. */
function requestIn(file: string | undefined, model: string | undefined): object {
  const given = file === undefined ? EXAMPLE_REQUEST : fromFile(file);
  const request = model === undefined ? given : { ...given, model_id: model };
  // Which URLs it may use is a deployment's to say.
  const parsed = parseSubmission({ ...request, webhook_url: undefined }, RULES);
  if (!('faults' in parsed)) return request;
  const faults = parsed.faults.map(({ pointer, message }) => `${pointer} ${message}`).join('; ');
  throw new UsageError(`The request is not valid: ${faults}`);
}

function fromFile(file: string): object {
  const request = parsed(file);
  if (typeof request === 'object' && request !== null && !Array.isArray(request)) return request;
  throw new UsageError(`--request must be a file with a JSON object, and ${file} has none`);
}

function parsed(file: string): unknown {
  try {
    return jsonIn(file);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw new UsageError(`--request must be a file that can be read: ${(error as Error).message}`);
  }
}

await runCommand({
  help: HELP,
  options: {
    lang: { type: 'string' },
    kind: { type: 'string', default: 'submit' },
    model: { type: 'string' },
    url: { type: 'string', default: LOCAL_URL },
    request: { type: 'string' },
  },
  async run({ lang, kind, model, url, request }) {
    const language = languageIn(needed(lang, '--lang'));
    const code = snippet(language.id, {
      kind: kindIn(kind, language),
      apiUrl: urlIn(url),
      request: requestIn(request, model),
    });
    process.stdout.write(code);
  },
});
