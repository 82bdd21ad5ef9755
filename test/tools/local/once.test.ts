import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { onceForAll } from '../../../tools/local/once.ts';

function place() {
  const parent = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-once-'));
  onTestFinished(() => rmSync(parent, { recursive: true }));
  const folder = join(parent, 'folder');
  let made = 0;
  const make = async () => {
    made++;
    await new Promise(setImmediate);
    mkdirSync(folder);
  };
  return { parent, folder, make, madeTimes: () => made };
}

describe('a folder that many want', () => {
  it('is made once for those that want it at the same time, and those that come later', async () => {
    const { parent, folder, make, madeTimes } = place();
    await Promise.all([1, 2, 3].map(() => onceForAll(folder, make)));
    await onceForAll(folder, make);
    expect(madeTimes()).toBe(1);
    expect(readdirSync(parent)).toEqual(['folder']);
  });

  it('is made by the next one when its maker fails', async () => {
    const { folder, make, madeTimes } = place();
    const failing = onceForAll(folder, () => Promise.reject(new Error('No room')));
    const next = onceForAll(folder, make);
    await expect(failing).rejects.toThrow('No room');
    await next;
    expect(madeTimes()).toBe(1);
  });

  it('is made by the next one when its maker has been killed', async () => {
    const { folder, make, madeTimes } = place();
    const { pid } = spawnSync(process.execPath, ['--version']);
    writeFileSync(`${folder}.maker`, String(pid));
    await onceForAll(folder, make);
    expect(madeTimes()).toBe(1);
  });
});
