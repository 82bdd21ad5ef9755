import { globSync, readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import { type Branch, branchesIn, type CountAt } from './branches.ts';
import type { OnOccasion } from './injections.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What makes a handler of a flow, in Lambda alone; and types. */
const WIRING = ['functions/*/*handler.ts', 'functions/ports.ts'];

export type Part = 'flows' | 'edge';

const PARTS: Record<Part, string> = {
  flows: 'functions/{,submit/,poll/,finish/,deliver/,sweep/,jobs/,http/}*.ts',
  edge: 'functions/edge/*.ts',
};

export function filesOf(part: Part): string[] {
  return globSync(PARTS[part], { cwd: ROOT, exclude: WIRING }).sort();
}

/** What seeds have met: how often each branch of each file that was loaded, and each fault at each step. */
export interface Met {
  branches: Record<string, number[]>;
  faults: Record<string, Record<string, number>>;
}

/** Counts what the seeds of this thread meet, by V8's own counters of blocks: to be made before what it counts is loaded. */
export class Coverage {
  readonly #session = new Session();
  readonly #branches = new Map<string, Branch[]>();
  readonly met: Met = { branches: {}, faults: {} };

  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    for (const part of ['flows', 'edge'] as const) {
      for (const file of filesOf(part)) coverage.#branches.set(file, branchesOf(file));
    }
    return coverage;
  }

  readonly onOccasion: OnOccasion = (fault, step, happens) => {
    addFault(this.met, fault, step, Number(happens));
  };

  /** Adds what has been met since the last time. */
  async take(): Promise<Met> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      const file = url.startsWith('file:') ? fileURLToPath(url).slice(ROOT.length) : '';
      const branches = this.#branches.get(file);
      if (!branches) continue;
      const countAt = counterOf(functions);
      const before = this.met.branches[file];
      this.met.branches[file] = branches.map((branch, i) => (before?.[i] ?? 0) + branch.taken(countAt));
    }
    return this.met;
  }
}

export function branchesOf(file: string): Branch[] {
  return branchesIn(readFileSync(`${ROOT}/${file}`, 'utf8'));
}

/** Of the blocks around an offset, the innermost has its count. */
function counterOf(functions: Profiler.FunctionCoverage[]): CountAt {
  const blocks = functions
    .flatMap(({ ranges }) => ranges)
    .sort((a, b) => a.endOffset - a.startOffset - (b.endOffset - b.startOffset));
  return (offset) =>
    blocks.find(({ startOffset, endOffset }) => startOffset <= offset && offset < endOffset)?.count ?? 0;
}

/** Adds what one thread has met to what others have. */
export function addTo(total: Met, more: Met): void {
  for (const [file, counts] of Object.entries(more.branches)) {
    total.branches[file] = counts.map((count, i) => count + (total.branches[file]?.[i] ?? 0));
  }
  for (const [fault, steps] of Object.entries(more.faults)) {
    for (const [step, count] of Object.entries(steps)) addFault(total, fault, step, count);
  }
}

function addFault({ faults }: Met, fault: string, step: string, count: number): void {
  faults[fault] ??= {};
  faults[fault][step] = (faults[fault][step] ?? 0) + count;
}
