import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArguments } from '../commands/arguments.ts';
import { run as cost } from './cost/cost.ts';
import { run as cpu } from './cpu/cpu.ts';
import { run as fairness } from './fairness.ts';
import { run as growth } from './growth/growth.ts';
import { run as intake } from './intake.ts';
import { run as lag } from './lag/lag.ts';
import type { Part, PartOptions } from './part.ts';
import { run as polling } from './polling/polling.ts';
import { run as start } from './start/start.ts';

const HELP = `Measures; writes the results to docs/bench.

  npm run bench [-- PART …] [--json] [--seed N] [--trace FILE]

  PART     ${'intake, polling, cost, lag, start, cpu, growth, fairness'}; all of them, unless given
  --json   the rows as JSON on stdout, and no file is written
  --seed   another whole number for chance to begin with, in polling
  --trace  writes each job that polling was measured by to a file, a line of JSON each
`;

const PARTS: Record<string, (options: PartOptions) => Part | Promise<Part>> = {
  intake,
  polling,
  cost,
  lag,
  start,
  cpu,
  growth,
  fairness,
};
const folder = new URL('../../docs/bench/', import.meta.url);

function provenance(): string {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const [cpu] = cpus();
  return `Measured at ${commit} with Node ${process.version} on ${cpus().length} × ${cpu?.model}.`;
}

function seedIn(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new Error('--seed must be a whole number of at most six digits');
  return Number(text);
}

/** One by one, as together they may be longer than a string can be. */
async function writeLines(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(
    file,
    lines.values().map((line) => `${line}\n`),
  );
}

async function main(): Promise<void> {
  const { values, positionals } = parseArguments({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      seed: { type: 'string' },
      trace: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return void process.stdout.write(HELP);
  const unknown = positionals.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined)
    throw new Error(`There is no such part; there are: ${Object.keys(PARTS).join(', ')}`);
  const options = {
    ...(values.seed !== undefined && { seed: seedIn(values.seed) }),
    isTraced: values.trace !== undefined,
  };
  const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const found: Record<string, object[]> = {};
  for (const name of names) {
    const part = await PARTS[name]?.(options);
    if (!part) continue;
    Object.assign(found, { [name]: part.rows }, part.others);
    if (values.trace !== undefined && part.trace) await writeLines(values.trace, part.trace);
    if (values.json) continue;
    process.stdout.write(`${part.text}\n\n`);
    await mkdir(folder, { recursive: true });
    await writeFile(new URL(`${part.name}.md`, folder), `${part.text}\n\n${provenance()}\n`);
    if (part.svg) await writeFile(new URL(`${part.name}.svg`, folder), part.svg);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(found)}\n`);
}

await main();
