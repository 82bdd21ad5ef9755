import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { bundleFunctions, bundling, type FunctionName } from '../../../lib/stages/bundle.ts';
import { figure, markdownTable } from '../flows/markdown.ts';
import type { Part } from '../part.ts';
import { environment } from '../start/environment.ts';
import { inTurns, median } from '../start/in-turns.ts';
import { CASES, type Case } from './cases.ts';
import type { Invocations } from './invoke.ts';
import type { RecordedCall } from './replay.ts';

const ROUNDS = 3;
const WARM_UPS = 300;
const INVOCATIONS = 300;
const GOAL = 1.25;
/** The creator waits for its pace between its two messages. */
const LINGER_MILLIS: Partial<Record<FunctionName, number>> = { create: 10 };

/** What a warm invocation of each function costs in CPU, beside its calls alone. */
export async function run(): Promise<Part> {
  const bundles = bundleFunctions();
  const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-cpu-'));
  const stub = fork(new URL('stub.ts', import.meta.url));
  try {
    const [base] = (await once(stub, 'message')) as [string];
    return report(measure((name) => join(bundles.folderOf(name), 'index.js'), folder, base));
  } finally {
    stub.disconnect();
    bundles.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Measured {
  each: Case;
  calls: RecordedCall[];
  millis: number[];
  floorMillis: number[];
}

function measure(fileOf: (name: FunctionName) => string, folder: string, base: string): Measured[] {
  const replay = join(folder, 'replay.js');
  const entryPoints = [fileURLToPath(new URL('replay.ts', import.meta.url))];
  buildSync({ ...bundling, entryPoints, outfile: replay });
  const variables = { ...environment, ...variablesFor(base) };

  const prepared = CASES.map((each, i) => {
    const file = fileOf(each.name);
    const own = () => ({ file, event: each.event(base), warmUps: WARM_UPS, count: INVOCATIONS });
    const recording = { ...own(), warmUps: 20, count: 1, recordedBy: `${base}/recording` };
    const { calls } = invoke(recording, variables);
    const CALLS = join(folder, `calls-${i}.json`);
    writeFileSync(CALLS, JSON.stringify({ base, calls, lingerMillis: LINGER_MILLIS[each.name] ?? 0 }));
    const floor = () => invoke({ ...own(), file: replay, event: {} }, { ...variables, CALLS });
    return { each, calls: calls.flat(), turns: [() => invoke(own(), variables), floor] };
  });
  const turns = prepared.flatMap((each) => each.turns);
  const took = inTurns(turns, ROUNDS).map((rounds) => rounds.map(({ cpuMillis }) => cpuMillis));
  return prepared.map(({ each, calls }, i) => {
    const [millis = [], floorMillis = []] = took.slice(2 * i);
    return { each, calls, millis, floorMillis };
  });
}

function variablesFor(base: string): Record<string, string> {
  const queues = ['CREATE', 'POLL', 'COLLECT', 'DELIVER'].map((name) => [
    `${name}_QUEUE_URL`,
    `${base}/1/${name}`,
  ]);
  return {
    ...Object.fromEntries(queues),
    AWS_ENDPOINT_URL: base,
    // S3 puts the bucket's name in front of any host that is not an address.
    AWS_ENDPOINT_URL_S3: base.replace('localhost', '127.0.0.1'),
    MODELSTUDIO_BASE_URL: base,
    WEBHOOK_ALLOW_LOOPBACK: 'true',
  };
}

/** In a process of its own, whose log goes through a pipe as on Lambda. */
function invoke(
  invocations: Invocations,
  env: Record<string, string>,
): { cpuMillis: number; calls: RecordedCall[][] } {
  const file = fileURLToPath(new URL('invoke.ts', import.meta.url));
  const { status, output } = spawnSync(process.execPath, [file], {
    input: JSON.stringify(invocations),
    env,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new Error(`${invocations.file} failed: ${output[2]?.slice(-1000)} ${output[1]?.slice(-1000)}`);
  return JSON.parse(output[3] ?? '');
}

function report(measured: Measured[]): Part {
  const rows = measured.map(({ each, calls, millis, floorMillis }) => ({
    name: each.name,
    what: each.what,
    aws_calls: calls.filter((call) => 'target' in call).length,
    exchanges: calls.filter((call) => 'method' in call).length,
    cpu_ms: median(millis),
    floor_cpu_ms: median(floorMillis),
    ratio: median(millis.map((each, round) => each / (floorMillis[round] ?? Number.NaN))),
  }));
  const table = rows.map((row) => [
    `${row.name}: ${row.what}`,
    row.aws_calls,
    figure(row.exchanges),
    row.cpu_ms.toFixed(2),
    row.floor_cpu_ms.toFixed(2),
    row.ratio.toFixed(2),
  ]);
  return {
    name: 'cpu',
    rows,
    text: [
      `# CPU of an invocation\n\nOf the bundles as they are deployed, warm: user and system time per invocation, over ${INVOCATIONS} of them after ${WARM_UPS} others, in fresh processes that take turns; medians of ${ROUNDS} rounds. AWS, ModelStudio and the receivers are in another process, whose time does not count. The floor makes the same calls, with inputs that were recorded, and does nothing else. There is no TLS, which takes as long in both, so the ratios are the highest; the goal is ≤ ${GOAL}.`,
      markdownTable(['', 'calls to AWS', 'others', 'CPU, ms', "the floor's, ms", 'ratio'], table),
      NOTES,
    ].join('\n\n'),
  };
}

const NOTES = `The floor's clients of the SDK are as they come; ours build their stack once for each command, have one signer and write no log, which is why a function can be below it. The creator waits until its pace lets it go on, and so does its floor: a processor that has been idle is slower. A poll that ends a job also places the results, writes the event, compresses it, and logs two lines.`;
