import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ofEnvironment } from '../../lib/settings/environments.ts';
import { contextOfProject, isPackage, made, project, root } from '../commands/project.ts';
import { onceForAll } from './once.ts';

const stacksFolder = join(made, 'stacks');
const SOURCES = [
  ...(isPackage ? ['bundles'] : ['tools/local/synthesize.ts', 'functions']).map((path) => join(root, path)),
  ...['bin', 'lib'].map((path) => join(root, path)),
  ...['cdk.json', 'package.json', 'package-lock.json'].map((path) => join(project, path)),
];
const KEPT_MILLIS = 24 * 3600 * 1000;

/**
 * Synthesizes the stack as `cdk synth` would, unless these very sources have been before.
 * @param settings in addition to those in cdk.json
 * @returns the path of the template
 * @throws with CDK's own words when the stack does not synthesize
 */
export async function synthesize(settings: Record<string, unknown> = {}): Promise<string> {
  const folder = join(stacksFolder, await fingerprintOf(settings));
  await mkdir(stacksFolder, { recursive: true });
  await onceForAll(folder, () => makeStack(folder, settings));
  return join(folder, 'ModelStudioJobs.template.json');
}

async function makeStack(folder: string, settings: Record<string, unknown>): Promise<void> {
  await removeOldStacks();
  const draft = join(stacksFolder, `draft-${randomUUID()}`);
  await mkdir(draft);
  await runApp(draft, settings);
  await rename(draft, folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    return rm(draft, { recursive: true });
  });
}

/**
 * The settings that mean nothing here: there is one stack, a domain and a destination are in AWS, and environments are
 * few.
 */
const OF_AWS = [
  ...['stackName', 'domainName', 'certificateArn', 'defaultEndpoint'],
  ...['destinations', 'defaultDestination', 'concurrency', 'restoredTables'],
];
/** Ten poll and ten deliver, as many as a function has here at most. */
const CONCURRENCY = 22;

/** The settings of a deployment, of the default environment if there is one, but for those. */
export function onLaptop(context: Record<string, unknown>): Record<string, unknown> {
  const { environments: _, ...beside } = context;
  const own = context['environment'] === undefined ? beside : ofEnvironment(context);
  const kept = Object.entries(own).filter(([name]) => !OF_AWS.includes(name));
  return { organizationId: 'org_sandbox', concurrency: CONCURRENCY, ...Object.fromEntries(kept) };
}

async function runApp(outdir: string, settings: Record<string, unknown>): Promise<void> {
  const given = JSON.stringify({ ...onLaptop(contextOfProject()), ...settings });
  const env = { ...process.env, CDK_OUTDIR: outdir, CDK_CONTEXT_JSON: given };
  await promisify(execFile)(process.execPath, [isPackage ? 'bin/app.js' : 'bin/app.ts'], {
    cwd: root,
    env,
  }).catch(async (error) => {
    await rm(outdir, { recursive: true });
    throw new Error(error.stderr || error.message);
  });
}

async function fingerprintOf(settings: Record<string, unknown>): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const source of SOURCES) {
    for (const file of await filesIn(source)) hash.update(`${file}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 32);
}

async function filesIn(path: string): Promise<string[]> {
  if (!existsSync(path)) return [];
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

async function removeOldStacks(): Promise<void> {
  const names = await readdir(stacksFolder).catch(() => []);
  for (const name of names) {
    const folder = join(stacksFolder, name);
    // What another process makes may be put into its place meanwhile.
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }));
    if (Date.now() - mtimeMs > KEPT_MILLIS) await rm(folder, { recursive: true, force: true });
  }
}
