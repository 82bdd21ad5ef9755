import { constants, createWriteStream } from 'node:fs';
import { access, realpath, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { needed, UsageError } from './command.ts';

/** It becomes the file itself once it is whole. */
const unfinished = (out: string) => `${out}.part`;

/** What is at fault with where results shall go is said before a job is made, which may take hours. @throws a UsageError */
export async function checkOut(out: string, input: string): Promise<void> {
  needed(out, '--out');
  const found = await stat(out).catch(() => null);
  if (found && !found.isFile()) throw new UsageError(`--out must be a file, and ${out} is none`);
  const folder = dirname(unfinished(out));
  // With the slash, a file is no folder.
  await access(`${folder}/`, constants.W_OK).catch(() => {
    throw new UsageError(`--out must be in a folder that can be written to, and ${folder} is none`);
  });
  const read = await realPath(input);
  for (const written of [out, unfinished(out)])
    if (read !== null && (await realPath(written)) === read)
      throw new UsageError('--out must be another file than --file, which it would overwrite');
}

const realPath = (path: string) => realpath(path).catch(() => null);

export async function saveTo(out: string, body: ReadableStream): Promise<void> {
  await pipeline(Readable.fromWeb(body), createWriteStream(unfinished(out)));
  await rename(unfinished(out), out);
}
