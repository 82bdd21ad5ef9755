import { randomInt } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { redactedInput } from '../../functions/core/redact.ts';
import { parseArguments } from '../commands/arguments.ts';
import { reportCoverage } from './coverage-report.ts';
import { shrink } from './shrink.ts';
import type { Run, simulate } from './simulate.ts';
import { START } from './simulation.ts';
import { SIMULATIONS } from './simulations.ts';
import { runAll, type Seeds } from './threads.ts';
import type { Mark } from './trace-marks.ts';
import { tracePage } from './trace-page.ts';

const HELP = `Runs the production flows in a simulated cloud with faults at every step, and judges the invariants.

  npm run simulate -- [--seeds N] [--seed S] [--queue | --parts] [--coverage] [--faults 3,17] [--trace [FILE.html]]

  --seeds N        how many seeds, default 1000
  --seed S         the first seed; without it, one at random. With --seed alone, just that one
  --queue          only the queue; without it, every fifth seed is of the queue, too
  --parts          only large jobs; without it, every fifth seed is of these, too
  --coverage       print the branches, and the faults at each step, that none of them has met
  --trace          print every step; of one seed, or draw it as a page for a browser
  --faults 3,17    of a seed's faults, let only these happen; a failure is shrunk to its fewest

The same seed is the same run, byte for byte. Exit codes: 0 all invariants held, 1 one did not, 2 wrong flags
`;

const SEED_MAX = 2 ** 47;
/** The last ones before a violation. */
const STEPS_SHOWN = 60;

interface Flags {
  seeds: Seeds;
  isCovered: boolean;
  only: Exclude<Run['of'], 'jobs'> | null;
  isTraced: boolean;
  /** Where the page of the trace goes. */
  page: string | null;
  /** The numbers of the faults that may happen. */
  faults: number[] | null;
}

/** @throws an Error whose message says which flag is wrong */
function parseFlags(): Flags | null {
  const { values, positionals } = parseArguments({
    allowPositionals: true,
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      coverage: { type: 'boolean', default: false },
      queue: { type: 'boolean', default: false },
      parts: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      faults: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const count = Number(values.seeds ?? (values.seed === undefined ? 1000 : 1));
  const first = Number(values.seed ?? randomInt(SEED_MAX));
  if (!Number.isSafeInteger(count) || count < 1) throw new Error('--seeds must be a whole number from 1');
  if (!Number.isSafeInteger(first) || first < 0) throw new Error('--seed must be a whole number from 0');
  if (values.queue && values.parts) throw new Error('--queue and --parts are two simulations');
  const faults = values.faults === undefined ? null : values.faults.split(',').filter(Boolean).map(Number);
  if (faults?.some((number) => !Number.isSafeInteger(number) || number < 1)) {
    throw new Error('--faults must be numbers from 1, with commas between them');
  }
  const [page = null, ...more] = positionals;
  if (more.length > 0 || (page !== null && !values.trace)) throw new Error('Only --trace takes a file');
  if ((faults || page) && count > 1) throw new Error('--faults and the page of a trace are of one seed');
  return {
    seeds: { first, count },
    isCovered: values.coverage,
    only: values.queue ? 'queue' : values.parts ? 'parts' : null,
    isTraced: values.trace,
    page,
    faults,
  };
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
  if (flags.isTraced || flags.faults) return trace(flags);

  const { seeds, isCovered, only } = flags;
  const startedAt = performance.now();
  const failed: Run[] = [];
  const totals = { runs: 0, quiet: 0, died: 0, rescued: 0 };
  const met = await runAll(seeds, { isCovered, only }, (runs) => {
    for (const { isQuiet, counts } of runs) {
      totals.runs += 1;
      totals.quiet += Number(isQuiet);
      totals.died += counts['died'] ?? 0;
      totals.rescued += counts['JobsRecovered'] ?? 0;
    }
    failed.push(...runs.filter(({ violation }) => violation !== null));
    return failed.length === 0;
  });
  if (isCovered) process.stdout.write(reportCoverage(met));
  const [worst] = failed.sort((a, b) => a.seed - b.seed);
  if (worst) await report(worst);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const { runs, quiet, died, rescued } = totals;
  process.stdout.write(
    `${runs} seeds from ${seeds.first}, ${quiet} of them quiet, in ${seconds} s: ` +
      `${died} workers died, ${rescued} jobs rescued, ${worst ? 'a violation' : '0 violations'}\n`,
  );
  process.exitCode = worst ? 1 : 0;
}

/** A failure, and the same with the fewest faults. */
async function report(failed: Run): Promise<void> {
  const run = SIMULATIONS[failed.of];
  const { seed, violation, faults } = await shrink(failed, run);
  const steps: string[] = [];
  await run(seed, { only: new Set(faults.map(({ id }) => id)), onStep: (step) => steps.push(step) });
  const numbers = new Map(failed.faults.map(({ id, number }) => [id, number]));
  const few = faults.map(({ id, fault, step, at }) => {
    const seconds = ((at - START) / 1000).toFixed(3);
    return `  ${String(numbers.get(id)).padStart(6)}  ${fault} at ${step}, after ${seconds} s\n`;
  });
  const flags = `--seed ${seed}${flagOf(failed.of)}`;
  const replay = `npm run simulate -- ${flags} --faults ${faults.map(({ id }) => numbers.get(id))}`;
  process.stdout.write(
    `${steps.slice(-STEPS_SHOWN).join('\n')}\n\nseed ${seed}: ${violation}\n` +
      `It takes ${faults.length} of the ${failed.faults.length} faults of this seed:\n${few.join('')}` +
      `Replay it: ${faults.length > 0 ? replay : `${replay}''`} --trace\n` +
      'With a file name after --trace, such as trace.html, it is drawn.\n\n',
  );
}

const flagOf = (of: Run['of']) => (of === 'jobs' ? '' : ` --${of}`);

async function trace({ seeds, page, faults, only }: Flags): Promise<void> {
  const run = SIMULATIONS[only ?? 'jobs'];
  if (page !== null) return drawPage(seeds.first, faults, page, run);
  for (let seed = seeds.first; seed < seeds.first + seeds.count; seed++) {
    const { violation } = await run(seed, {
      onStep: (step) => process.stdout.write(`${step}\n`),
      ...(faults && { only: await idsOf(seed, faults, run) }),
    });
    process.stdout.write(`seed ${seed}: ${violation ?? 'all invariants held'}\n`);
    if (violation !== null) process.exitCode = 1;
  }
}

async function drawPage(
  seed: number,
  faults: number[] | null,
  file: string,
  run: typeof simulate,
): Promise<void> {
  const marks: Mark[] = [];
  const { violation, of } = await run(seed, {
    onMark: (mark) => marks.push(mark),
    ...(faults && { only: await idsOf(seed, faults, run) }),
  });
  const flags = `--seed ${seed}${flagOf(of)}`;
  const command = `npm run simulate -- ${flags}${faults ? ` --faults ${faults}` : ''} --trace`;
  await writeFile(file, tracePage({ seed, start: START, violation, command, marks }));
  process.stdout.write(`seed ${seed}: ${violation ?? 'all invariants held'}\nOpen ${file} in a browser\n`);
  process.exitCode = violation === null ? 0 : 1;
}

/** The faults of a seed by the numbers that they have when all of them happen. */
async function idsOf(seed: number, numbers: number[], run: typeof simulate): Promise<Set<string>> {
  const { faults } = await run(seed);
  return new Set(faults.filter(({ number }) => numbers.includes(number)).map(({ id }) => id));
}

await main();
