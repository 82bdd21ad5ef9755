import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  BUCKET,
  bundleFunctions,
  bundling,
  type FunctionName,
  functionNames,
  handlerOf,
} from '../../../lib/stages/bundle.ts';
import { figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import { bundleFloor, bundleOtherwise, clientsOf, floorAlias } from './floor.ts';
import { inTurns, median } from './in-turns.ts';
import { type Start, startOnce, type Took } from './processes.ts';

const ROUNDS = 21;
const GOAL = 1.15;
/** One of the functions, bundled otherwise, too. */
const SAMPLE: FunctionName = 'poll';

interface Measured extends Start {
  took: Took[];
}

/** How long the functions take from `require` to their handlers, each beside the SDK's clients that it makes. */
export function run(): Part {
  const bundles = bundleFunctions();
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-start-'));
  try {
    return report(measure((name) => join(bundles.folderOf(name), 'index.js'), folder));
  } finally {
    bundles.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Results {
  functions: {
    name: FunctionName;
    clients: string[];
    init: Measured;
    floor: Measured;
    bareFloor: Measured;
  }[];
  others: [what: string, init: Measured][];
}

function measure(fileOf: (name: FunctionName) => string, folder: string): Results {
  const floors = new Map<string, Start>();
  const floorOf = (clients: [string, string][]) => {
    const key = clients.map(([, client]) => client).join('-');
    const floor = floors.get(key) ?? { file: bundleFloor(clients, join(folder, key)) };
    floors.set(key, floor);
    return floor;
  };
  const functions = functionNames.map((name) => {
    const atStart = clientsOf(handlerOf(name));
    const clients = [...atStart, ...clientsOf(BUCKET)];
    return {
      name,
      clients: clients.map(([, client]) => client),
      init: { file: fileOf(name) },
      floor: floorOf(clients),
      bareFloor: floorOf(atStart),
    };
  });
  const others = otherwise(fileOf(SAMPLE), folder);

  const starts: Start[] = [...functions.map(({ init }) => init), ...floors.values(), ...others.values()];
  const took = inTurns(
    starts.map((start) => () => startOnce(start)),
    ROUNDS,
  );
  const measured = (start: Start): Measured => ({ ...start, took: took[starts.indexOf(start)] ?? [] });
  return {
    functions: functions.map((each) => ({
      ...each,
      init: measured(each.init),
      floor: measured(each.floor),
      bareFloor: measured(each.bareFloor),
    })),
    others: [...others].map(([what, start]) => [what, measured(start)]),
  };
}

function otherwise(file: string, folder: string): Map<string, Start> {
  const cache = join(folder, 'compile-cache');
  mkdirSync(cache);
  const variables = { NODE_COMPILE_CACHE: cache };
  startOnce({ file, variables });
  const other = (into: string, options: Parameters<typeof bundleOtherwise>[1]) => ({
    file: bundleOtherwise(SAMPLE, options, join(folder, into)),
  });
  const require = "import { createRequire } from 'node:module';const require=createRequire(import.meta.url);";
  return new Map<string, Start>([
    ['names minified', other('minified', { minify: true })],
    ['names minified, and restored by `keepNames`', other('kept-names', { minify: true, keepNames: true })],
    ["with the SDK's streams of events", other('event-streams', { alias: floorAlias })],
    [
      "with all of the SDK's credential providers",
      other('credentials', { alias: { '#bucket': './bucket.cjs' } }),
    ],
    [
      'with the bucket, and the client of S3, in the same file',
      other('bucket', { external: [], alias: { ...bundling.alias, '#bucket': `./${BUCKET}` } }),
    ],
    ['ES modules', other('modules', { format: 'esm', banner: { js: require } })],
    ["with V8's code in a warm compile cache", { file, variables }],
  ]);
}

function report({ functions, others }: Results): Part {
  const rows = functions.map(({ name, clients, init, floor, bareFloor }) => ({
    name,
    clients,
    ...sizesOf(init),
    init_ms: median(init.took.map(({ millis }) => millis)),
    init_cpu_ms: cpuOf(init),
    floor_cpu_ms: cpuOf(floor),
    ratio: ratioOf(init, floor),
    ratio_without_s3: ratioOf(init, bareFloor),
  }));
  const sample = functions.find(({ name }) => name === SAMPLE)?.init as Measured;
  const table = rows.map((row) => [
    row.name,
    figure(row.kib),
    figure(row.gzipped_kib),
    figure(row.init_ms),
    figure(row.init_cpu_ms),
    figure(row.floor_cpu_ms),
    row.ratio.toFixed(2),
    row.ratio_without_s3.toFixed(2),
  ]);
  const compared = [['as deployed', sample] as const, ...others].map(([what, init]) => {
    const { kib, gzipped_kib } = sizesOf(init);
    return [what, figure(kib), figure(gzipped_kib), figure(cpuOf(init)), ratioOf(init, sample).toFixed(2)];
  });
  return {
    name: 'start',
    rows,
    text: [
      `# Cold starts\n\nFrom \`require\` of the bundle to its handler, in fresh processes that take turns: medians of ${ROUNDS} rounds. The floor is a bundle that makes the same clients of the AWS SDK and does nothing else, bundled alike but for the SDK's code for streams of events, which the functions leave out. The ratio is that of the CPU times of each round; the goal is ≤ ${GOAL}. The client of S3 is in a file of its own, which is loaded when a document is too large for the table; the last column compares with a floor that does not make it either.`,
      markdownTable(
        ['function', 'KiB', 'gzipped', 'init, ms', 'CPU, ms', "the floor's CPU, ms", 'ratio', 'without S3'],
        table,
      ),
      `## The bundle of \`${SAMPLE}\`, made otherwise`,
      markdownTable(['', 'KiB', 'gzipped', 'CPU, ms', 'to the deployed one'], compared),
      NOTES,
    ].join('\n\n'),
  };
}

const NOTES = `What is above the floor is, for the most part, that V8 has more source to read, at about 3 ms for each 100 KiB. In \`submit\`, zod and the schema of a request take about 3 ms more. They are not put off until the first request, which waits for the start as well. The floor has none of the SDK's commands.

Names are not minified, as that would save little, and the stack traces in the log would say nothing.

A compile cache is not deployed, though it saves most. Its folder is named for the exact version of Node, the architecture and the user, and V8 refuses code of any other version of itself: what a build machine wrote, an arm64 function of Lambda's own build of Node 24 would never look at. Nor can the function write one for later starts: /var/task is read-only, and /tmp is gone with the environment.`;

function sizesOf({ file }: Start): { kib: number; gzipped_kib: number } {
  const source = readFileSync(file);
  return { kib: source.length / 1024, gzipped_kib: gzipSync(source).length / 1024 };
}

function cpuOf({ took }: Measured): number {
  return median(took.map(({ cpuMillis }) => cpuMillis));
}

function ratioOf(init: Measured, to: Measured): number {
  return median(
    init.took.map(({ cpuMillis }, round) => cpuMillis / (to.took[round]?.cpuMillis ?? Number.NaN)),
  );
}
