import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLIENT, CLIENT_FOLDER } from '../../tools/local/stack/runtime/process.ts';
import { TRIAL } from '../edge/hosts.ts';
import { isThere, LAST_RELEASE } from './blackbox/release.ts';
import { RUNTIME_PACKAGES, RUNTIMES_FOLDER } from './clients/runtimes.ts';

/** The suites that `npm test` leaves out, as each takes minutes, or parts that not every machine has. */
interface Suite {
  what: string;
  env: Record<string, string>;
  files: string;
  /** Unless it succeeds, the suite is skipped. */
  parts?: { what: string; areThere(): Promise<boolean> };
}

const CLIENT_PACKAGE = 'aws-lambda-ric@4.0.2';

const hosts = { what: 'network namespaces', areThere: () => succeeds(TRIAL) };
const cfnLint = {
  what: 'cfn-lint (pip install cfn-lint)',
  areThere: () => succeeds(['cfn-lint', '--version']),
};
const moto = {
  what: "moto's server (pip install 'moto[server]')",
  areThere: () => succeeds(['python3', '-c', 'import moto.server']),
};
const runtime = {
  what: `${CLIENT_PACKAGE}, or what it is built with (cmake, autotools)`,
  areThere: () => install(CLIENT_FOLDER, CLIENT, [CLIENT_PACKAGE]),
};
const runtimes = {
  what: 'Node 20, 22 and 24, Deno and Bun as packages',
  areThere: () => install(RUNTIMES_FOLDER, path.join(RUNTIMES_FOLDER, 'node_modules'), RUNTIME_PACKAGES),
};

const lastRelease = {
  what: `the commit of the last release, ${LAST_RELEASE} (git fetch --unshallow)`,
  areThere: () => isThere(LAST_RELEASE),
};

const SUITES: Suite[] = [
  {
    what: "the black-box tests under AWS's own runtime client",
    env: { LAMBDA_RUNTIME: 'aws' },
    files: 'test/tools/blackbox',
    parts: runtime,
  },
  {
    what: 'the black-box tests over moto',
    env: { CLOUD: 'moto' },
    files: 'test/tools/blackbox',
    parts: moto,
  },
  {
    what: 'the whole system among receivers of several addresses',
    env: { AMONG_HOSTS: 'yes' },
    files: 'test/tools/blackbox/addresses.test.ts',
    parts: hosts,
  },
  {
    what: 'many attempts at receivers of several addresses',
    env: { ATTEMPTS: '1000' },
    files: 'test/edge/addresses.test.ts',
    parts: hosts,
  },
  {
    what: 'five thousand seeds of the simulation',
    env: { MANY_SEEDS: 'yes' },
    files: 'test/tools/simulation/simulate.test.ts',
  },
  {
    what: "a thousand seeds of the queue's simulation",
    env: { MANY_SEEDS: 'yes' },
    files: 'test/tools/simulation/queueing.test.ts',
  },
  {
    what: 'ten thousand jobs to rescue while AWS is slow or refuses',
    env: { MANY_JOBS: 'yes' },
    files: 'test/flows/sweep-thousands.test.ts',
  },
  {
    what: 'five thousand webhooks to redeliver after an outage',
    env: { MANY_WEBHOOKS: 'yes' },
    files: 'test/flows/outage.test.ts',
  },
  {
    what: 'many jobs that are cancelled and redelivered just as they finish',
    env: { MANY_RACES: 'yes' },
    files: 'test/tools/blackbox/races.test.ts',
  },
  {
    what: 'an outage of a minute, and a limit of creates, with 500 jobs',
    env: { LONG_QUEUE: 'yes' },
    files: 'test/tools/blackbox/queue.test.ts',
  },
  {
    what: 'three places for 40 jobs, each filled again within a second',
    env: { LONG_QUEUE: 'yes' },
    files: 'test/tools/blackbox/places.test.ts',
  },
  {
    what: 'large jobs out of files of all kinds, under kills, and beside others',
    env: { LONG_PARTS: 'yes' },
    files: 'test/tools/blackbox/parts',
  },
  {
    what: "another client's webhooks beside 400 to receivers that hang",
    env: { LONG_FAIR: 'yes' },
    files: 'test/tools/blackbox/fairness.test.ts',
  },
  {
    what: 'a list of a thousand jobs, while more come in and others finish',
    env: { LONG_LIST: 'yes' },
    files: 'test/tools/blackbox/listing.test.ts',
  },
  {
    what: 'every call of the TypeScript client in Node 20, 22 and 24, Deno and Bun',
    env: { CLIENT_RUNTIMES: 'yes' },
    files: 'test/tools/clients/typescript.test.ts',
    parts: runtimes,
  },
  {
    what: 'a thousand jobs through the TypeScript client under all faults and 200 kills',
    env: { CLIENT_STORM: 'yes' },
    files: 'test/tools/clients/typescript-storm.test.ts',
  },
  {
    what: 'three hundred jobs through the Python client under all faults and 40 kills',
    env: { CLIENT_STORM: 'yes' },
    files: 'test/tools/clients/python-storm.test.ts',
  },
  {
    what: 'an upgrade from the last release with 200 jobs under way, and back',
    env: { UPGRADE: 'yes' },
    files: 'test/tools/blackbox/upgrade.test.ts',
    parts: lastRelease,
  },
  {
    what: 'hundreds of sequences of the requests that the document allows',
    env: { MANY_REQUESTS: 'yes' },
    files: 'test/tools/openapi/client.test.ts',
  },
  { what: 'the largest reports', env: { LARGE_REPORTS: 'yes' }, files: 'test/tools/memory' },
  {
    what: 'the whole system with another provider than ModelStudio',
    env: { ADAPTED: 'yes' },
    files: 'test/tools/adapt/system.test.ts',
  },
  {
    what: 'the template under cfn-lint',
    env: { CFN_LINT: 'yes' },
    files: 'test/tools/deploy/lint.test.ts',
    parts: cfnLint,
  },
  {
    what: 'a synthesis without a network',
    env: { OFFLINE: 'yes' },
    files: 'test/tools/deploy/synth.test.ts',
  },
  {
    what: 'a second stack in an account, after a first deployment that fails',
    env: { SECOND_STACK: 'yes' },
    files: 'test/tools/deploy/deploy.test.ts',
    parts: moto,
  },
  {
    what: 'the package, packed and used in an empty folder',
    env: { PACKED: 'yes' },
    files: 'test/tools/package',
  },
  {
    what: 'two deployments in a stack, one in a stage, and two environments',
    env: { BESIDE: 'yes' },
    files: 'test/tools/deploy/beside.test.ts',
    parts: moto,
  },
  {
    what: 'jobs of two deployments in a stack',
    env: { BESIDE: 'yes' },
    files: 'test/tools/deploy/beside-jobs.test.ts',
  },
  {
    what: 'what is left without what may be deleted',
    env: { WITHOUT_TOOLS: 'yes' },
    files: 'test/tools/deploy/deletable.test.ts',
  },
];

/** Says what it does, and ends well or not. */
async function succeeds([program, ...args]: readonly string[], options: object = {}): Promise<boolean> {
  const child = spawn(program as string, args, { stdio: 'ignore', ...options });
  return once(child, 'close').then(
    ([code]) => code === 0,
    () => false,
  );
}

/** Into a folder of its own, once: some are compiled, which takes minutes, and nothing that is deployed needs them. */
async function install(folder: string, proof: string, packages: string[]): Promise<boolean> {
  if (existsSync(proof)) return true;
  mkdirSync(folder, { recursive: true });
  const allowScripts = { 'aws-lambda-ric': true, node: true, deno: true, bun: true };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts }));
  const isInstalled = await succeeds(['npm', 'install', '--no-audit', '--no-fund', ...packages], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (!isInstalled) rmSync(folder, { recursive: true });
  return isInstalled;
}

async function run({ what, env, files, parts }: Suite): Promise<string> {
  process.stdout.write(`\n${what}\n`);
  if (parts && !(await parts.areThere())) return `skipped: this machine lacks ${parts.what}`;
  // One test after another: each waits for a system that takes all of the machine.
  const command = ['npx', 'vitest', 'run', '--no-file-parallelism', '--maxConcurrency=1', files];
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const isPassed = await succeeds(command, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
  return isPassed ? 'passed' : 'failed';
}

const outcomes: string[] = [];
for (const suite of SUITES) outcomes.push(await run(suite));
process.stdout.write(`\n${SUITES.map(({ what }, i) => `${what}: ${outcomes[i]}\n`).join('')}`);
// A machine that is set up for all of them, as CI's is, lacks nothing.
const mayLack = process.env['CI'] === undefined;
const areFine = outcomes.every((outcome) => outcome === 'passed' || (mayLack && outcome !== 'failed'));
process.exitCode = areFine ? 0 : 1;
