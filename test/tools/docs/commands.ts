import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { expect, vi } from 'vitest';
import { end, type Ran, run } from '../../run.ts';
import { call, type LocalSystem } from '../blackbox/system.ts';
import { pageAt, root } from './pages.ts';

/** Tries a command, where it needs one on a system that runs; or the reason why it is not tried here. */
type Trial = { by(command: string, system: LocalSystem): Promise<void> } | { not: string };

const NEEDS_AWS = { not: 'It needs an AWS account.' };

/** Every command in a `sh` block of a page. The first row that fits it counts. */
export const TRIALS: readonly [command: RegExp, trial: Trial][] = [
  [/^npm start -- --once$/, { by: runsOnce }],
  [/^npm start$/, { not: 'test/tools/blackbox/system.ts starts it so.' }],
  [/^DESTINATIONS=.* npm start$/, { not: 'test/tools/blackbox/destinations.test.ts starts it so.' }],
  [/^npm start --silent -- --json$/, { by: saysItsLine }],
  [/^curl .*\/v1\/jobs /, { by: submits }],
  [/^npm run (--silent )?snippet /, { by: prints }],
  [/^npm run simulate /, { by: simulates }],
  [/^npm run keys -- create /, { by: makesKey }],
  [/^npm run keys -- (secret|headers) /, { not: 'test/tools/commands/keys.test.ts runs it.' }],
  [/^npx cdk synth\b/, { not: 'test/tools/deploy/synth.test.ts runs it, cut off from the network.' }],
  [/^npx cdk (bootstrap|deploy|destroy|diff|import)\b/, NEEDS_AWS],
  [/^(until )?aws /, NEEDS_AWS],
  [/^npm run usage\b/, { not: 'test/tools/commands/client-usage.test.ts runs it.' }],
  [/^npm run (doctor|smoke|redrive|queue)\b/, { not: 'test/tools/blackbox/operations.test.ts runs it.' }],
  [/^curl .*\/v1\/redeliveries /, { not: 'test/tools/openapi/client.test.ts sends the like.' }],
  [/^npm run redeliver\b/, { not: 'test/tools/commands/redeliver.test.ts runs it.' }],
  [/^npm run submit\b/, { not: 'test/tools/commands/submit.test.ts runs it.' }],
  [/^CLIENT_KEY=\S+ node examples\//, { not: 'test/tools/examples/scripts.test.ts runs it.' }],
  [/^npm ci$/, { not: 'It would take the modules away from under the other tests; CI begins with it.' }],
  [/^npm run (mutate|bench)\b/, { not: 'It takes minutes.' }],
  [/^(npm test|npx vitest run)\b/, { not: 'This is it.' }],
  [
    /^(npm install \.\/|cd my-jobs$|npx --no-install modelstudio-jobs )/,
    { not: 'test/tools/package/packed.test.ts runs it.' },
  ],
  [/^npm install( --omit=dev)?$|^zip /, { not: 'It packs a copy of the example, with packages of its own.' }],
];

const inShell = (command: string, env: Record<string, string> = {}) =>
  run('sh', ['-c', `cd '${root}' && ${command}`], env);

function expectSuccess({ code, stdout, stderr }: Ran): void {
  expect(code, `${stdout}\n${stderr}`).toBe(0);
}

async function prints(command: string): Promise<void> {
  const ran = await inShell(command);
  expectSuccess(ran);
  expect(ran.stdout).not.toBe('');
}

async function simulates(command: string): Promise<void> {
  const page = `${tmpdir()}/${process.pid}-run.html`;
  await prints(command.replace(/--seeds \d+/, '--seeds 4').replace(/\S+\.html$/, page));
  await rm(page, { force: true });
}

/** Times, ports and ids are different each time; where the README says "…" there may be more. */
function shapesIn(text: string): string[] {
  const masked = text.replace(/\b(job|msg)_\w+/g, '$1_…').replace(/\d[\d.]*/g, 'N');
  return masked.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));
}

/** A busy machine may look at the sample only when it has ended, and then tells of no poll. */
const RUNS_MAX = 3;

async function runsOnce(command: string): Promise<void> {
  const [shown] = pageAt('README.md').fences.filter(({ text }) => text.includes('signature verified'));
  let invented: string[] = [];
  let stdout = '';
  for (let run = 0; run < RUNS_MAX && (run === 0 || invented.length > 0); run++) {
    const ran = await inShell(`${command} --port 0`);
    expectSuccess(ran);
    stdout = ran.stdout;
    const printed = shapesIn(stdout);
    const isPrinted = (line: string) => {
      const [beginning = '', rest] = line.split('; …');
      return printed.some((other) => (rest === undefined ? other === line : other.startsWith(beginning)));
    };
    invented = shapesIn(shown?.text ?? '').filter((line) => line !== '' && !isPrinted(line));
  }
  expect(invented, `The README shows what npm start does not print:\n${stdout}`).toEqual([]);
}

async function saysItsLine(command: string): Promise<void> {
  const child = spawn('sh', ['-c', `cd '${root}' && exec ${command} --port 0`]);
  try {
    // An end without a line counts, too.
    const { value: line } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
    expect(JSON.parse(String(line))).toMatchObject({ webhook_secret: expect.stringMatching(/^whsec_/) });
  } finally {
    await end(child, 'SIGTERM');
  }
}

/** The job is made, and its webhook comes: to the system's inbox, as nothing is to be sent out into the world. */
async function submits(command: string, system: LocalSystem): Promise<void> {
  const here = command
    .replace(/http:\/\/127\.0\.0\.1:\d+(?=\/v1)/, system.api_url)
    .replace(/(?<="webhook_url": ")[^"]*/, system.webhook_inbox_url);
  expect(here).toContain(system.webhook_inbox_url);
  const ran = await inShell(here, { CLIENT_KEY: system.client_keys[0] });
  expectSuccess(ran);
  const { job_id } = JSON.parse(ran.stdout);
  await vi.waitFor(
    async () => {
      const { json } = await call(system, 'GET', `/v1/jobs/${job_id}`);
      expect(json).toMatchObject({ status: 'completed', webhook: { status: 'delivered' } });
    },
    { timeout: 20_000, interval: 50 },
  );
}

async function makesKey(command: string, system: LocalSystem): Promise<void> {
  const { port } = new URL(system.api_url);
  const ran = await inShell(`${command} --local --port ${port}`);
  expectSuccess(ran);
  expect(ran.stdout).toMatch(/\bmsj_\w+/);
}
