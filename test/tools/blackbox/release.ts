import { execFile } from 'node:child_process';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onceForAll } from '../../../tools/local/once.ts';

/** The release before this one. With each release, its commit comes to stand here. */
export const LAST_RELEASE = '187c773';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const SOURCES = ['bin', 'lib', 'functions', 'tools', 'cdk.json', 'package.json', 'package-lock.json'];
const SYNTHESIZE = `import { synthesize } from './tools/local/synthesize.ts'; console.log(await synthesize())`;

/** Whether this clone has the commit; a shallow one may not. */
export async function isThere(commit: string): Promise<boolean> {
  return run('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root }).then(
    () => true,
    () => false,
  );
}

/**
 * Synthesizes the stack of a release as that release does, with the packages of this one.
 * @returns the path of the template
 */
export async function synthesizeRelease(commit: string): Promise<string> {
  const folder = join(root, 'dist/releases', commit);
  await mkdir(join(root, 'dist/releases'), { recursive: true });
  await onceForAll(folder, async () => {
    const draft = `${folder}.${process.pid}`;
    await mkdir(draft);
    const sources = `git archive ${commit} ${SOURCES.join(' ')} | tar -x -C '${draft}'`;
    await run('sh', ['-c', sources], { cwd: root });
    await symlink(join(root, 'node_modules'), join(draft, 'node_modules'));
    await rename(draft, folder).catch(() => rm(draft, { recursive: true }));
  });
  const args = ['--input-type=module', '--eval', SYNTHESIZE];
  const { stdout } = await run(process.execPath, args, { cwd: folder });
  return stdout.trim();
}
