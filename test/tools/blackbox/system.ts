import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from '../../../tools/local/sandbox/server.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface Line {
  api_url: string;
  client_keys: [string, string];
  read_only_key: string;
  revoked_key: string;
  webhook_secret: string;
  webhook_secrets: [string, string];
  webhook_inbox_url: string;
  console_url: string;
  modelstudio: { base_url: string; organization_id: string; api_key: string; model_ids: string[] };
  aws: Record<'dynamodb' | 'sqs' | 's3' | 'secretsmanager', string>;
}

export interface LocalSystem extends Line {
  process: ChildProcess;
  /** What it has logged about failures. */
  errors: readonly string[];
  stop(): Promise<void>;
}

/** Starts what `npm start -- --json` starts, on any free port. */
export async function startLocally(
  env: Record<string, string> = {},
  ...flags: string[]
): Promise<LocalSystem> {
  const args = ['tools/local/start.ts', '--json', '--port', '0', ...flags];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...env } });
  const errors: string[] = [];
  createInterface(child.stderr).on('line', (line) => errors.push(line));
  const lines = createInterface(child.stdout).on('line', (line) => {
    if (line.includes(' ERROR ')) errors.push(line);
  });
  const [line] = await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`It ended with ${code} before it was ready:\n${errors.join('\n')}`);
    }),
  ]);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { ...(JSON.parse(String(line)) as Line), process: child, errors, stop };
}

/** Points the local system at a sandbox that the test holds in its hand. */
export function upstreamEnv({ baseUrl, organizationId, apiKey }: Sandbox): Record<string, string> {
  return {
    MODELSTUDIO_BASE_URL: baseUrl,
    MODELSTUDIO_ORGANIZATION_ID: organizationId,
    MODELSTUDIO_API_KEY: apiKey,
  };
}

export interface Called {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a black box answers has no type
  json: any;
}

export async function call(
  { api_url, client_keys }: Line,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Called> {
  const response = await fetch(api_url + path, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${client_keys[0]}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text && JSON.parse(text) };
}

export function submission(model: string, ...prompts: string[]) {
  return { model_id: model, messages: prompts.map((content) => [{ role: 'user', content }]) };
}
