import { redactedInput } from '../../../functions/core/redact.ts';
import { parseArguments } from '../../commands/arguments.ts';
import { onParentEnd } from '../parent.ts';
import { DEFAULT_DIALECT, DIALECTS, dialectNamed } from './dialects.ts';
import { MODELS } from './models.ts';
import { type Sandbox, startSandbox } from './server.ts';

const DEFAULT_PORT = 8790;

const HELP = `Plays the ModelStudio API on this machine.

  npm run sandbox -- [--port N] [--dialect NAME] [--json]

  --port N        port on 127.0.0.1, default ${DEFAULT_PORT}; 0 = any free one
  --dialect NAME  how it spells its answers, default ${DEFAULT_DIALECT}
  --json          one line of JSON on stdout when ready: base_url, organization_id, api_key, model_ids
  --help          this text

Models
${linesOf(MODELS)}

Dialects
${linesOf(DIALECTS)}

Prompts
  repeat:<n> as the last user message of a conversation makes its result n bytes long, up to 64 MiB a job

Exit codes: 0 ended by SIGINT or SIGTERM, 1 cannot listen, 2 wrong flags
`;

type Flags = { port: number; dialect: string; isJson: boolean; isHelp: boolean };

/** @throws an Error whose message says what is wrong */
function parseFlags(args: string[]): Flags {
  const { values } = parseArguments({
    args,
    options: {
      port: { type: 'string' },
      dialect: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const text = values.port ?? String(DEFAULT_PORT);
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new Error('--port must be a whole number from 0 to 65535');
  }
  const dialect = values.dialect ?? DEFAULT_DIALECT;
  dialectNamed(dialect);
  return { port, dialect, isJson: values.json ?? false, isHelp: values.help ?? false };
}

function linesOf(table: Record<string, { note: string }>): string {
  return Object.entries(table)
    .map(([id, { note }]) => `  ${id.padEnd(20)} ${note}`)
    .join('\n');
}

function jsonLine({ baseUrl, organizationId, apiKey, modelIds }: Sandbox): string {
  const line = { base_url: baseUrl, organization_id: organizationId, api_key: apiKey, model_ids: modelIds };
  return `${JSON.stringify(line)}\n`;
}

function welcome({ baseUrl, organizationId, apiKey }: Sandbox): string {
  const url = `${baseUrl}/api/v1/organizations/${organizationId}/generate`;
  const key = `-H 'Authorization: Bearer ${apiKey}'`;
  const body = '{"model_id":"sandbox-instant","messages":[[{"role":"user","content":"Hello"}]]}';
  return `ModelStudio sandbox on ${baseUrl}

  organization  ${organizationId}
  API key       ${apiKey}

${linesOf(MODELS)}

Create a job, then ask for its results:

  curl -s ${url} ${key} -H 'Content-Type: application/json' -d '${body}'
  curl -s ${url}/<job_id> ${key}

Ctrl-C ends it.
`;
}

async function main(): Promise<void> {
  let flags: Flags;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${redactedInput((error as Error).message)}\nTry --help.\n`);
    process.exit(2);
  }
  if (flags.isHelp) {
    process.stdout.write(HELP);
    return;
  }
  // Nothing is to be saved, and the system closes the sockets: ending at once is ending cleanly.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
  const isRunByNpm = process.env['npm_lifecycle_event'] !== undefined;
  if (isRunByNpm) onParentEnd(() => process.exit(0));
  try {
    const sandbox = await startSandbox({ port: flags.port, dialect: flags.dialect });
    process.stdout.write(flags.isJson ? jsonLine(sandbox) : welcome(sandbox));
  } catch (error) {
    process.stderr.write(`${cannotListen(error, flags.port)}\n`);
    process.exit(1);
  }
}

function cannotListen(error: unknown, port: number): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use; choose another with --port, or --port 0 for any free one.`;
  return `The sandbox cannot listen on port ${port}: ${message}.`;
}

await main();
