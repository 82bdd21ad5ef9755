import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArguments } from '../commands/arguments.ts';
import { messageOf } from '../commands/error-message.ts';
import { run as batches } from './cost/batches.ts';
import { run as cost, runObserved } from './cost/cost.ts';
import { OBSERVED_QUERY } from './cost/observed.ts';
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
  npm run bench -- cost --observed FILE

  PART     ${'intake, polling, cost, batches, lag, start, cpu, growth, fairness'}; all of them, unless given
  --json   the rows as JSON on stdout, and no file is written
  --seed   another whole number for chance to begin with, in polling
  --trace  writes each job that polling was measured by to a file, a line of JSON each
  --observed  prints the bill of a deployment instead, from what its log says; writes no file

FILE is an export, as CSV or JSON, of this query of CloudWatch Logs Insights over the stack's log groups of functions:

${OBSERVED_QUERY.replaceAll(/^/gm, '  ')}

What the log does not say (write units, secrets, reads by apps) is the model's, for as many jobs at a rate that makes batches of
polls about as full. It takes a minute or two.
`;

const PARTS: Record<string, (options: PartOptions) => Part | Promise<Part>> = {
  intake,
  polling,
  cost,
  batches,
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
      observed: { type: 'string' },
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
  if (values.observed !== undefined) {
    if (positionals.join() !== 'cost' || values.json)
      throw new Error('--observed is for the part cost alone, without --json');
    return void process.stdout.write(`${await runObserved(values.observed)}\n`);
  }
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

await main().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
});
