import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { redactedInput } from '../../functions/core/redact.ts';
import { type Run, simulate } from './simulate.ts';

const HELP = `Runs the production flows in a simulated cloud with faults at every step, and judges the invariants.

  npm run simulate -- [--seeds N] [--seed S] [--trace]

  --seeds N   how many seeds, default 1000
  --seed S    the first seed; without it, one at random. With --seed alone, just that one
  --trace     print every step

The same seed is the same run, byte for byte. Exit codes: 0 all invariants held, 1 one did not, 2 wrong flags
`;

const SEED_MAX = 2 ** 47;
const CHUNK = 50;

interface Flags {
  seeds: number;
  first: number;
  trace: boolean;
}

/** @throws an Error whose message says which flag is wrong */
function parseFlags(): Flags | null {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 1000 : 1));
  const first = Number(values.seed ?? randomInt(SEED_MAX));
  if (!Number.isSafeInteger(seeds) || seeds < 1) throw new Error('--seeds must be a whole number from 1');
  if (!Number.isSafeInteger(first) || first < 0) throw new Error('--seed must be a whole number from 0');
  return { seeds, first, trace: values.trace };
}

/** Hands the seeds out to a worker per core, in chunks, until they are used up or one has failed. */
async function runAll({ seeds, first }: Flags, onRuns: (runs: Run[]) => boolean): Promise<void> {
  let next = first;
  const end = first + seeds;
  const takeChunk = () => {
    const chunk = Array.from({ length: Math.min(CHUNK, end - next) }, (_, i) => next + i);
    next += chunk.length;
    return chunk;
  };
  const threads = Math.min(availableParallelism(), Math.ceil(seeds / CHUNK));
  const run = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL(import.meta.url), { workerData: 'simulate' });
      worker.on('error', reject);
      worker.on('message', (runs: Run[]) => {
        if (!onRuns(runs)) next = end;
        const chunk = takeChunk();
        if (chunk.length > 0) return worker.postMessage(chunk);
        void worker.terminate().then(() => resolve());
      });
    });
  await Promise.all(Array.from({ length: threads }, run));
}

async function main(): Promise<void> {
  let flags: Flags | null;
  try {
    flags = parseFlags();
  } catch (error) {
    process.stderr.write(`${redactedInput((error as Error).message)}\nTry --help.\n`);
    process.exitCode = 2;
    return;
  }
  if (flags === null) return void process.stdout.write(HELP);
  if (flags.trace) return trace(flags);

  const startedAt = performance.now();
  const failed: Run[] = [];
  const totals = { runs: 0, quiet: 0, died: 0, rescued: 0 };
  await runAll(flags, (runs) => {
    for (const { isQuiet, counts, violation } of runs) {
      totals.runs += 1;
      totals.quiet += Number(isQuiet);
      totals.died += counts['died'] ?? 0;
      totals.rescued += counts['JobsRecovered'] ?? 0;
      if (violation !== null) failed.push(...runs.filter((run) => run.violation !== null));
    }
    return failed.length === 0;
  });
  const [worst] = failed.sort((a, b) => a.seed - b.seed);
  if (worst) report(worst);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { runs, quiet, died, rescued } = totals;
  process.stdout.write(
    `${runs} seeds from ${flags.first}, ${quiet} of them quiet, in ${seconds} s: ` +
      `${died} workers died, ${rescued} jobs rescued, ${worst ? 'a violation' : '0 violations'}\n`,
  );
  process.exitCode = worst ? 1 : 0;
}

function report({ seed, violation, steps }: Run): void {
  process.stdout.write(`${steps.join('\n')}\n\nseed ${seed}: ${violation}\n`);
  process.stdout.write(`Replay it: npm run simulate -- --seed ${seed} --trace\n\n`);
}

async function trace({ first, seeds }: Flags): Promise<void> {
  for (let seed = first; seed < first + seeds; seed++) {
    const { violation } = await simulate(seed, (step) => process.stdout.write(`${step}\n`));
    process.stdout.write(`seed ${seed}: ${violation ?? 'all invariants held'}\n`);
    if (violation !== null) process.exitCode = 1;
  }
}

if (isMainThread || workerData !== 'simulate') {
  await main();
} else {
  parentPort?.on('message', async (seeds: number[]) => {
    const runs: Run[] = [];
    for (const seed of seeds) runs.push(await simulate(seed));
    parentPort?.postMessage(runs);
  });
  parentPort?.postMessage([]);
}
