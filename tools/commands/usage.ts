import { print, runCommand, tell, UsageError } from './command.ts';
import { CliError } from './error-message.ts';
import { findTarget, STACK_HELP, targetOptions, targetRefIn } from './find-target.ts';
import { runSavedQuery } from './logs-insights.ts';

const HELP = `Sums up what each client has used, from the log: jobs that ended and their tasks.

  npm run usage
  npm run usage -- --since 7d --csv

  --since T     minutes, hours or days: 90m, 12h, 30d; default 30d
  --csv         prints comma-separated lines
${STACK_HELP}

Prints a line for each client: jobs, how many of them failed, have expired or were cancelled, their tasks, how many of
these failed, and the seconds from the jobs' creation to their end. It goes back as far as the log is kept
(logRetentionDays), and a line of the log may take minutes to be found. CloudWatch bills what it reads: $0.005 per GB.
The system of \`npm start\` keeps no log, so this needs a deployment.
`;

const COLUMNS = [
  'client',
  'jobs',
  'failed',
  'expired',
  'cancelled',
  'tasks',
  'tasks_failed',
  'seconds',
] as const;
const UNIT_MILLIS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function startOf(since: string): Date {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([mhd])$/.exec(since) ?? [];
  if (count === undefined) throw new UsageError('--since must be like 90m, 12h or 30d');
  return new Date(Date.now() - Number(count) * (UNIT_MILLIS[unit] ?? 0));
}

/** What Insights leaves out was nowhere: none. */
function cellsOf(row: Record<string, string>): string[] {
  return COLUMNS.map((name) =>
    name === 'client' ? (row[name] ?? '') : String(Math.round(Number(row[name] ?? 0))),
  );
}

const quoted = (cell: string) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function printTable(lines: string[][]): void {
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) {
    const [client = '', ...numbers] = line.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    print([client, ...numbers].join('  '));
  }
}

await runCommand({
  help: HELP,
  options: { ...targetOptions, since: { type: 'string' }, csv: { type: 'boolean' } },
  async run(values) {
    const since = startOf(values.since ?? '30d');
    const { deployment, deploymentName } = await findTarget(targetRefIn(values));
    if (!deployment)
      throw new CliError('The system on this machine keeps no log: usage needs a deployment, see --stack.');
    const rows = await runSavedQuery(deployment.lambda, `${deploymentName}/usage-per-client`, since);
    const lines = [[...COLUMNS], ...rows.map(cellsOf)];
    if (values.csv) for (const line of lines) print(line.map(quoted).join(','));
    else printTable(lines);
    if (rows.length === 0) tell(`No job has ended since ${since.toISOString()}.`);
  },
});
