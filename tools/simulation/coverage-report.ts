import { branchesOf, filesOf, type Met, type Part } from './coverage.ts';
import { UNMET } from './unmet.ts';

/** What no seed has met. */
export function reportCoverage(met: Met): string {
  return `${branchReport('flows', met)}${branchReport('edge', met)}${faultReport(met)}\n`;
}

function branchReport(part: Part, { branches }: Met): string {
  let all = 0;
  const lines: string[] = [];
  // What no seed has loaded is not simulated: AWS's own side of the ports.
  for (const file of filesOf(part).filter((name) => branches[name])) {
    for (const [i, { line, text, way }] of branchesOf(file).entries()) {
      all += 1;
      if ((branches[file]?.[i] ?? 0) > 0) continue;
      const known = UNMET.find((each) => each.file === file && each.text === text && each.way === way);
      const by = known ? ` → ${known.test} › ${known.title}` : '';
      lines.push(`  ${file}:${line}  ${way}: ${text}${by}\n`);
    }
  }
  const metCount = all - lines.length;
  const percent = ((100 * metCount) / Math.max(1, all)).toFixed(1);
  return `${part}: ${metCount} of ${all} branches met, ${percent} %\n${lines.join('')}`;
}

function faultReport({ faults }: Met): string {
  const pairs = Object.entries(faults).flatMap(([fault, steps]) =>
    Object.entries(steps).map(([step, count]) => ({ fault, step, count })),
  );
  const unmet = pairs.filter(({ count }) => count === 0).sort((a, b) => (a.step < b.step ? -1 : 1));
  const steps = new Set(pairs.map(({ step }) => step)).size;
  const kinds = Object.keys(faults).length;
  const lines = unmet.map(({ fault, step }) => `  ${fault} at ${step}\n`);
  return `faults: ${kinds} kinds at ${steps} steps, ${pairs.length - unmet.length} of ${pairs.length} pairs met\n${lines.join('')}`;
}
