import { existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_AGAIN_MILLIS = 50;
/** By then, another process may have the id of a maker that was killed. */
const GONE_AFTER_MILLIS = 60_000;

/**
 * Makes a folder that other processes may want at the same time: the first of them makes it, and the others wait until
 * it is there or its maker is gone. Seldom, a maker that is taken for gone is not: so two may make it.
 * @param make puts the folder into its place whole
 */
export async function onceForAll(folder: string, make: () => Promise<void>): Promise<void> {
  const maker = `${folder}.maker`;
  while (!existsSync(folder)) {
    if (await isOurs(maker)) {
      const made = existsSync(folder) ? Promise.resolve() : make();
      await made.finally(() => rm(maker, { force: true }));
    } else {
      await sleep(LOOK_AGAIN_MILLIS);
      if (await isGone(maker)) await rm(maker, { force: true });
    }
  }
}

async function isOurs(maker: string): Promise<boolean> {
  try {
    await writeFile(maker, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

async function isGone(maker: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(maker);
    const pid = Number(await readFile(maker, 'utf8'));
    if (Date.now() - mtimeMs > GONE_AFTER_MILLIS) return true;
    // Without one, it has not been written to the end.
    return pid > 0 && !process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
