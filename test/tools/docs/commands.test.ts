import { existsSync, globSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';
import { type LocalSystem, startLocally } from '../blackbox/system.ts';
import { TRIALS } from './commands.ts';
import { codeIn, commandsIn, pages, root } from './pages.ts';

const scripts: Record<string, string> = packageJson.scripts;
const all = pages();
const commands = [...new Set(all.flatMap(commandsIn))];
const timeout = PATIENCE_MILLIS;

let folder: string;
let system: LocalSystem;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'docs-'));
  system = await startLocally();
});
afterAll(async () => {
  await system?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a command on a page', () => {
  const trialOf = (command: string) => TRIALS.find(([pattern]) => pattern.test(command))?.[1];

  it.each(commands)('is tried, or has a reason why not: %s', (command) => {
    const sentence = `No row of TRIALS in test/tools/docs/commands.ts says how to try "${command}", or why not to.`;
    expect(trialOf(command), sentence).toBeDefined();
  });

  it('has a reason that names only files that exist', () => {
    const reasons = TRIALS.flatMap(([, trial]) => ('not' in trial ? [trial.not] : [])).join(' ');
    const files = reasons.match(/\btest\/[\w/.-]+\.ts/g) ?? [];
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  const tried = commands.flatMap((command) => {
    const trial = trialOf(command);
    return trial && 'by' in trial ? [{ command, by: trial.by }] : [];
  });
  it.concurrent.each(tried)('works when it is run: $command', { timeout }, ({ command, by }) =>
    by(command, system),
  );
});

interface Call {
  script: string;
  /** Words and flags after `--`. */
  args: string[];
  page: string;
}

/** Calls of our scripts wherever they stand as code: `npm run keys -- create --name NAME`. */
function callsIn(code: string, page: string): Call[] {
  const calls = code.matchAll(
    /\bnpm (?:run (?:--silent )?([a-z][a-z:-]*)|(start|test))\b(?: --silent)?(?:.*? -- (.*))?/g,
  );
  return [...calls].map(([, name, short, rest = '']) => {
    const args = rest.match(/(?<![\w-])--[a-z-]+|^[a-z]+\b/g) ?? [];
    return { script: name ?? short ?? '', args, page };
  });
}

it('a program that a page runs with npx is among the dependencies', () => {
  const programs = all.flatMap(codeIn).flatMap((code) => /\bnpx ([a-z][a-z-]*)/.exec(code)?.[1] ?? []);
  expect(programs).not.toEqual([]);
  expect(programs.filter((name) => !existsSync(join(root, 'node_modules/.bin', name)))).toEqual([]);
});

const calls = all.flatMap((page) => codeIn(page).flatMap((code) => callsIn(code, page.path)));

describe('a script', () => {
  it.each(Object.entries(scripts))('has no syntax that only one shell understands: %s', (_, script) => {
    const [program = '', ...args] = script.split(' ');
    const isProgram = program === 'node' || existsSync(join(root, 'node_modules/.bin', program));
    expect(isProgram, `${program} is a program of the repository's`).toBe(true);
    // Where two commands follow one another, cmd.exe and sh agree upon &&.
    expect(args.filter((arg) => arg !== '&&' && !/^[\w./:@-]+$/.test(arg))).toEqual([]);
  });

  it('exists if a page names it', () => {
    expect(calls.length).toBeGreaterThan(30);
    expect(calls.filter(({ script }) => !(script in scripts))).toEqual([]);
  });

  it('is named by some page', () => {
    const named = calls.map(({ script }) => script);
    const programs = all.flatMap(codeIn).join('\n');
    const unnamed = Object.keys(scripts).filter((name) => !named.includes(name));
    expect(unnamed.filter((name) => !programs.includes(`npx ${scripts[name]?.split(' --')[0]}`))).toEqual([]);
  });

  const withArgs = [...Map.groupBy(calls, ({ script }) => script)].flatMap(([script, its]) => {
    const args = [...new Set(its.flatMap((each) => each.args))];
    return args.length > 0 && script in scripts ? [{ script, args }] : [];
  });
  it.concurrent.each(withArgs)('$script knows $args', { timeout }, async ({ script, args }) => {
    const help = await helpOf(script);
    expect(args.filter((arg) => !new RegExp(`(?<![\\w-])${arg}(?![\\w-])`).test(help))).toEqual([]);
  });

  it('has every flag that a page shows by itself', { timeout }, async () => {
    const alone = all.flatMap(codeIn).flatMap((code) => /^(--[a-z-]+)\b/.exec(code)?.[1] ?? []);
    const local = await Promise.all(
      ['start', 'sandbox', 'keys', 'simulate', 'snippet', 'smoke', 'submit'].map(helpOf),
    );
    // The examples' flags stand in their first lines.
    const examples = globSync('examples/*/*.mjs', { cwd: root }).map((file) =>
      readFileSync(join(root, file), 'utf8'),
    );
    const known = [...local, ...examples].join('\n');
    expect(alone.filter((flag) => !known.includes(flag))).toEqual([]);
  });
});

const asked = new Map<string, Promise<string>>();

function helpOf(script: string): Promise<string> {
  const known = asked.get(script) ?? askHelp(script);
  asked.set(script, known);
  return known;
}

async function askHelp(script: string): Promise<string> {
  const { stdout } = await run('sh', [
    '-c',
    `cd '${root}' && PATH=node_modules/.bin:$PATH ${scripts[script]} --help`,
  ]);
  return stdout;
}

describe('npm run openapi and npm run settings', () => {
  const WRITTEN = [
    'README.md',
    'lib/settings/props.ts',
    'functions/jobs/openapi.json',
    'docs/api.md',
    'clients/typescript/types.ts',
  ];
  const FOLDERS = ['clients', 'docs', 'functions', 'lib', 'tools'];

  it('leave the tree as it is', { timeout }, async () => {
    const copy = join(folder, 'copy');
    await mkdir(copy);
    for (const name of [...FOLDERS, 'README.md', 'package.json'])
      await cp(join(root, name), join(copy, name), { recursive: true });
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
    for (const script of ['openapi', 'settings']) {
      const { code, stderr } = await run('sh', ['-c', `cd '${copy}' && npm run ${script}`]);
      expect({ code, stderr }).toMatchObject({ code: 0 });
    }
    for (const file of WRITTEN)
      expect(await readFile(join(copy, file), 'utf8')).toBe(await readFile(join(root, file), 'utf8'));
  });
});
