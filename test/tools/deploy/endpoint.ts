import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { run } from '../../run.ts';
import { isolatedIn } from './isolated.ts';

const cloud = fileURLToPath(new URL('cloud.py', import.meta.url));

const ACCOUNT = {
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
};

export interface Endpoint {
  url: string;
  /** A folder for CDK to synthesize into. */
  assembly: string;
  /** `cdk`, against this endpoint. @throws with all that it said, unless it ends well */
  cdk(...args: string[]): Promise<string>;
  /** Another program, likewise. */
  run(program: string, ...args: string[]): Promise<string>;
  /** From now on, no alarm can be made, or can again. */
  refuseAlarms(isRefusing: boolean): void;
  /** What it logged from its first own fault on: it answers with a 500, and CDK asks again as if nothing were. */
  faults(): string;
  close(): Promise<void>;
}

/**
 * Starts an AWS endpoint with an account in which there is nothing.
 * @param cwd where programs run that use it
 */
export async function startEndpoint(cwd = process.cwd()): Promise<Endpoint> {
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-deploy-'));
  const assembly = join(folder, 'cdk.out');
  const refused = join(folder, 'alarms-refused');
  const env: Record<string, string> = {
    ...isolatedIn(folder),
    ...ACCOUNT,
    ALARMS_REFUSED: refused,
    NODE: process.execPath,
  };
  // It ends with its stdin, so it does not outlive a test that is killed.
  const server = spawn('python3', [cloud], { env: { ...process.env, ...env } });
  const exited = once(server, 'exit');
  let log = '';
  server.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const line = once(createInterface(server.stdout), 'line').then(String);
  const url = await Promise.race([line, exited.then(() => Promise.reject(new Error(log)))]);
  Object.assign(env, endpointEnvironment(url));

  const call = async (program: string, ...args: string[]) => {
    const { code, stdout, stderr } = await run(program, args, env, '', cwd);
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`);
    return stdout + stderr;
  };
  return {
    url,
    assembly,
    cdk: (...args) => call('node_modules/.bin/cdk', ...args),
    run: call,
    refuseAlarms: (isRefusing) => (isRefusing ? writeFileSync(refused, '') : rmSync(refused)),
    faults: () => /(^Error on request[\s\S]*)?" 500 -[\s\S]*/m.exec(log)?.[0] ?? '',
    async close() {
      server.stdin.end();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function endpointEnvironment(url: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    // To the host, and not to a bucket by the name of 127: moto looks for a template by its URL's host.
    AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION: url.replace('127.0.0.1', 'localhost'),
  };
}
