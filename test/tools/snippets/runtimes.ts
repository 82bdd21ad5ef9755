import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kind, type LanguageId, snippet } from '../../../tools/snippets/snippets.ts';
import { run } from '../../run.ts';

export type Command = [program: string, args: string[]];

/** How a language's snippets are run, as one runs them who has pasted them into a file. */
export interface Runtime {
  language: LanguageId;
  /** What must be there, in words, and a call that fails if it is not. */
  needs: [what: string, probe: [string, ...string[]]];
  extension: string;
  /** The program and its arguments, once what must be compiled is compiled. */
  command(file: string): Promise<Command>;
}

/** A shell is there in any case, and takes its standard input even where what it is to call is missing. */
const inShell = (line: string): [string, ...string[]] => ['sh', '-c', `cat && ${line}`];

const inNode = async (file: string): Promise<Command> => [process.execPath, [file]];

export const RUNTIMES: readonly Runtime[] = [
  {
    language: 'curl',
    needs: ['cURL 7.76 and OpenSSL', inShell('openssl version && curl --fail-with-body --version')],
    extension: 'sh',
    command: async (file) => ['sh', [file]],
  },
  {
    language: 'javascript',
    needs: ['Node', inShell(':')],
    extension: 'mjs',
    command: inNode,
  },
  {
    language: 'typescript',
    needs: ['Node', inShell(':')],
    extension: 'mts',
    command: inNode,
  },
  {
    language: 'python',
    needs: ['Python 3.9', inShell(`python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'`)],
    extension: 'py',
    command: async (file) => ['python3', [file]],
  },
  {
    language: 'go',
    needs: ['Go', inShell('go version')],
    extension: 'go',
    async command(file) {
      const program = `${file}.exe`;
      const { code, stderr } = await run('go', ['build', '-o', program, file], { GOFLAGS: '-mod=mod' });
      if (code !== 0) throw new Error(stderr);
      return [program, []];
    },
  },
];

export function runtimeOf(language: LanguageId): Runtime {
  return RUNTIMES.find((runtime) => runtime.language === language) as Runtime;
}

/** A folder for snippets, each in a file of its own. */
export interface Desk {
  /** Where a receiver keeps its inbox. */
  inbox: string;
  write(runtime: Runtime, kind: Kind, apiUrl: string, request?: object): Promise<string>;
  command(...snippet: Parameters<Desk['write']>): Promise<Command>;
  clear(): Promise<void>;
}

export async function openDesk(): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'snippets-'));
  let files = 0;
  const desk: Desk = {
    inbox: join(folder, 'inbox.sqlite3'),
    async write({ language, extension }, kind, apiUrl, request = {}) {
      const own = join(folder, String(files++));
      await mkdir(own);
      const file = join(own, `${kind}.${extension}`);
      await writeFile(file, snippet(language, { kind, apiUrl, request }));
      return file;
    },
    command: async (runtime, ...rest) => runtime.command(await desk.write(runtime, ...rest)),
    clear: () => rm(folder, { recursive: true, force: true }),
  };
  return desk;
}
