import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROUNDS_MAX } from '../../../functions/core/http/redelivery.ts';
import { parseSubmission } from '../../../functions/core/http/submission.ts';
import { EVENT_MAX_BYTES } from '../../../functions/core/http/view.ts';
import * as limits from '../../../functions/core/limits.ts';
import { BODY_MAX_BYTES } from '../../../functions/core/limits.ts';
import { TABLE_MAX_BYTES } from '../../../functions/edge/documents.ts';
import { ALARMS } from '../../../lib/monitoring/alarms.ts';
import { readSettings } from '../../../lib/settings/read-settings.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { parseFlags } from '../../../tools/local/flags.ts';
import { KEEPING_MUTANTS } from '../../../tools/simulation/keeping-mutants.ts';
import { MUTANTS } from '../../../tools/simulation/mutants.ts';
import { QUEUE_MUTANTS } from '../../../tools/simulation/queueing/mutants.ts';
import { PLACE_MUTANTS } from '../../../tools/simulation/queueing/place-mutants.ts';
import { QUIET_MUTANTS } from '../../../tools/simulation/quiet-mutants.ts';
import { pageAt, pages, root } from './pages.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const KIB = 1024;
const MIB = 1024 * KIB;

const defaults = readSettings({});
const schedule = defaults.webhookRetryScheduleSeconds;
const scheduleSeconds = schedule.reduce((sum, wait) => sum + wait, 0);

/** A number that a file keeps to itself. */
function constantIn(file: string, name: string): number {
  const text = readFileSync(join(root, file), 'utf8');
  const [, terms = ''] = new RegExp(`^(?:export )?const ${name} = ([\\d_.* ]+);$`, 'm').exec(text) ?? [];
  const value = terms.split('*').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1);
  if (terms === '') throw new Error(`There is no number ${name} in ${file}`);
  return value;
}

const seconds = (file: string, name: string) => constantIn(file, name) / 1000;
const SECRETS = 'functions/edge/secrets.ts';
const simulated = (pageAt('docs/guarantees.md').prose.match(/^\| I\d+ \|.*\bsimulation\b/gm) ?? []).length;
const SIMULATED = 'test/tools/simulation/simulate.test.ts';
const PRESSURE = 'functions/core/polling/backpressure.ts';

/** Whether a job may have so many seconds. */
function isLife(expires_in: number): boolean {
  const messages = [[{ role: 'user', content: 'Hello' }]];
  const rules = { ports: [], ownHost: null, loopback: false };
  return !('faults' in parseSubmission({ model_id: 'm', messages, expires_in }, rules));
}

/** The cost of lag and polls at λ = 1 s, the default, as a multiple of the optimum: the mean of eight distributions. */
function timesOptimum(policy: string): number {
  const lines = pageAt('docs/bench/polling.md').text.split('\n');
  const [, , , oneSecond = ''] = lines.find((line) => line.startsWith(`| ${policy} |`))?.split('|') ?? [];
  return Number.parseFloat(oneSecond);
}

/** Wherever a page says this, it is this number. Each must be said somewhere. */
const SAID: [sentence: RegExp, number: number][] = [
  [/(\w+) attempts (?:over|within)/g, schedule.length],
  [/attempts within (\w+) hours/g, Math.ceil(scheduleSeconds / HOUR)],
  [/attempts over (\w+) day\b/g, Math.round(scheduleSeconds / DAY)],
  [/tried again (?:for about|over) (\w+) day\b/g, Math.round(scheduleSeconds / DAY)],
  [/last attempt(?:,| \(after) (\w+) day\b/g, Math.round(scheduleSeconds / DAY)],
  [/(?:varied by up to |±)(\w+) %/g, 100 * constantIn('functions/core/webhook/attempt.ts', 'JITTER')],
  [
    /but within (\w+) hour/g,
    constantIn('functions/core/webhook/attempt.ts', 'RETRY_AFTER_MAX_SECONDS') / HOUR,
  ],
  [/2xx within (\w+) s(?:econds)?\b/g, limits.ATTEMPT_DEADLINE_MILLIS / 1000],
  [/takes more than (\w+) seconds/g, limits.ATTEMPT_DEADLINE_MILLIS / 1000],
  [/an attempt may take (\w+) s\b/g, limits.ATTEMPT_DEADLINE_MILLIS / 1000],
  [/body larger than (\w+) KiB/g, EVENT_MAX_BYTES / KIB],
  [/results over (\w+) KiB/g, TABLE_MAX_BYTES / KIB],
  [/(?:request body (?:\||may have)|body is larger than) (\w+) MiB/g, BODY_MAX_BYTES / MIB],
  [/(?:reports of|up) to (\w+) MiB/g, limits.REPORT_LIMITS.collect.maxBytes / MIB],
  [/finished job is larger than (\w+) MiB/g, limits.REPORT_LIMITS.collect.maxBytes / MIB],
  [/file may have (\w+) MiB/g, limits.UPLOAD_MAX_BYTES / MIB],
  [/with up to ([\d ]+) conversations/g, limits.TASKS_MAX],
  [/(?:more than|read of) ([\d ]+) parts/g, limits.PARTS_MAX],
  [/conversation may have (\w+) MiB/g, limits.TASK_MAX_BYTES / MIB],
  [/0 unless you ask, (\w+) at most/g, limits.RETRIES_MAX],
  [/(\w+) s for ModelStudio to answer/g, limits.CREATE_DEADLINE_MILLIS / 1000],
  [/stops working within (\w+) s\b/g, 2 * seconds('functions/edge/client-keys.ts', 'CACHE_MILLIS')],
  [
    /old one. A function caches it for up to (\w+) minutes/g,
    seconds(SECRETS, 'API_KEY_CACHE_MILLIS') / MINUTE,
  ],
  [/ever gets it. A function caches it for up to (\w+) minutes/g, seconds(SECRETS, 'CACHE_MILLIS') / MINUTE],
  [/only the old one, or (\w+) if it is the root/g, seconds(SECRETS, 'CACHE_MILLIS') / MINUTE],
  [/read again every (\w+) minutes/g, seconds(SECRETS, 'CACHE_MILLIS') / MINUTE],
  [/Valid for (\w+) minutes/g, constantIn('functions/jobs/read.ts', 'LINK_SECONDS') / MINUTE],
  [/(?:after|has failed) (\w+) times(?: it moves to the dead-letter queue|, for half)/g, limits.RECEIVES_MAX],
  [/link that is valid for (\w+) minutes/g, constantIn('functions/jobs/read.ts', 'LINK_SECONDS') / MINUTE],
  [/(\w+) days longer than/g, limits.DOCUMENT_EXTRA_DAYS],
  [/and (\w+) redeliveries of a job/g, ROUNDS_MAX],
  [/Answer within (\w+) seconds/g, limits.ATTEMPT_DEADLINE_MILLIS / 1000],
  [/at most 1000 conversations and (\w+) MiB/g, BODY_MAX_BYTES / MIB],
  [/until they are done; (\w+) days at most/g, constantIn('lib/stages/stage-queue.ts', 'RETENTION_DAYS')],
  [/at most, dead letters (\w+) /g, constantIn('lib/stages/stage-queue.ts', 'DEAD_LETTERS_RETENTION_DAYS')],
  [/`retentionDays` after its end \((\w+) by default\)/g, defaults.retentionDays],
  [/`logRetentionDays` \((\w+) by default\)/g, defaults.logRetentionDays],
  [/ModelStudio alone may take (\w+) s to answer/g, limits.CREATE_DEADLINE_MILLIS / 1000],
  [/next attempt may be (\w+) hours away/g, (schedule[5] ?? 0) / HOUR],
  [/on ([\d,]+) new seeds/g, constantIn(SIMULATED, 'FRESH_SEEDS')],
  [/new seeds in every test run and ([\d,]+) in CI/g, constantIn(SIMULATED, 'MANY_SEEDS')],
  [/runs ([\d ]+) fresh seeds/g, constantIn(SIMULATED, 'FRESH_SEEDS')],
  [/`npm run test:more` ([\d ]+)\./g, constantIn(SIMULATED, 'MANY_SEEDS')],
  [/; ([\d ]+) seeds of the simulation;/g, constantIn(SIMULATED, 'MANY_SEEDS')],
  [/checks \[(\w+) invariants\]/g, simulated],
  [
    /within (\w+) % of the theoretical optimum/g,
    Math.round(100 * (timesOptimum('planner, 64 jobs seen') - 1)),
  ],
  [/every 2 s costs ([\d.]+) times the optimum/g, timesOptimum('every 2 s')],
  [/backoff costs \[([\d.]+) times/g, timesOptimum('Lambda durable functions, waitForCondition')],
  [/after (\w+) receives they move/g, limits.RECEIVES_MAX],
  [/messages are kept for (\w+) days/g, constantIn('lib/stages/stage-queue.ts', 'RETENTION_DAYS')],
  [
    /letters are kept until (\w+) days/g,
    constantIn('lib/stages/stage-queue.ts', 'DEAD_LETTERS_RETENTION_DAYS'),
  ],
  [/does not manage in (\w+) s\b/g, limits.SWEEP_MILLIS / 1000],
  [/by half, up to (\w+) times/g, constantIn(PRESSURE, 'SLOWDOWN_MAX')],
  [/back by half each (\w+)\b/g, seconds(PRESSURE, 'HALF_LIFE_MILLIS') / MINUTE],
  [/`throttleRate` = (\w+) requests/g, defaults.throttleRate],
  [/`--port N` \(default (\w+)\)/g, parseFlags([]).port],
];

const WORDS = 'a an minute two three four five six seven eight nine ten'.split(' ');
const VALUES = [1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const numberOf = (text: string) =>
  VALUES[WORDS.indexOf(text.toLowerCase())] ?? Number(text.replace(/^hundred$/, '100').replace(/[ ,]/g, ''));

const prose = pages()
  .filter(({ path }) => !path.startsWith('docs/bench/'))
  .map(({ path, text }) => ({ path, text: text.replace(/\s+/g, ' ').replaceAll('a hundred', 'hundred') }));

const textOf = (path: string) => pageAt(path).text.replace(/\s+/g, ' ');

describe('a number in the pages is the one in the code', () => {
  it.each(SAID.map(([sentence, number]) => ({ sentence, number })))(
    '$number: $sentence',
    ({ sentence, number }) => {
      const said = prose.flatMap(({ path, text }) =>
        [...text.matchAll(sentence)].map(([words, told = '']) => ({ path, words, number: numberOf(told) })),
      );
      expect(said).not.toEqual([]);
      expect(said.filter((each) => each.number !== number)).toEqual([]);
    },
  );

  it('the seeded bugs that the simulation must catch are as many as the README says, or more', () => {
    const [, least] = /it must catch more than (\d+) seeded bugs/.exec(textOf('README.md')) ?? [];
    const all = [...MUTANTS, ...QUIET_MUTANTS, ...KEEPING_MUTANTS, ...QUEUE_MUTANTS, ...PLACE_MUTANTS];
    expect(all.length).toBeGreaterThan(Number(least));
  });

  it('.nvmrc, the package that brings Node and the workflows agree on its major version', () => {
    const major = readFileSync(join(root, '.nvmrc'), 'utf8').trim();
    const oldest = packageJson.engines.node.replace('>=', '');
    expect(packageJson.devDependencies.node).toMatch(new RegExp(`^\\^${major}\\.`));
    for (const workflow of ['ci', 'deploy', 'release']) {
      const text = readFileSync(join(root, `.github/workflows/${workflow}.yml`), 'utf8');
      // The package is tried with the oldest that it takes, too.
      const others = (text.match(/(?<=node-version: )[\d.]+/g) ?? []).filter((version) => version !== major);
      expect(others).toEqual(workflow === 'ci' ? [`${oldest}.0`] : []);
    }
  });

  it('the designs that the README compares cost what was measured', () => {
    const bench = pageAt('docs/bench/cost.md').text;
    const rows = [
      'Step Functions',
      'Lambda durable functions',
      'a Lambda that sleeps and asks every 2 s, 128 MB',
    ];
    const costs = rows.map((row) => {
      const line = bench.split('\n').find((each) => each.startsWith(`| ${row}`));
      return `$${Math.round(Number(/\$([\d.]+)/.exec(line ?? '')?.[1]))}`;
    });
    const [steps, durable, sleeping] = costs;
    const readme = textOf('README.md');
    expect(readme).toContain(`| Step Functions | ${steps}, as`);
    expect(readme).toContain(`| Lambda durable functions | ${durable} |`);
    expect(readme).toContain(`as a Lambda that sleeps, ${sleeping} and up |`);
  });

  it("a job's life is as long as the pages say", () => {
    expect(pageAt('README.md').text).toContain('| 1 minute to 7 days |');
    expect([59, 60, 7 * DAY, 7 * DAY + 1].map(isLife)).toEqual([false, true, true, false]);
    expect(pageAt('docs/runbook.md').text).toMatch(/until the job expires \(after a day,/);
    expect(pageAt('docs/api.md').text).toMatch(/`expires_in` \|[^|]*\|[^|]*\b86400\b/);
  });

  it.each(ALARMS)(
    'the periods of the alarm $name are those in its chapter',
    ({ name, when: { bad, of, periodMinutes } }) => {
      const heading = new RegExp(`\\n### ${name.replaceAll('-', ' ')}\\n([\\s\\S]*?)(?=\\n### |$)`, 'i');
      const [, chapter = ''] = heading.exec(pageAt('docs/runbook.md').text) ?? [];
      const said = [
        ...chapter.matchAll(/(\w+)(?: of (\w+))? (?:consecutive )?periods of (\w+)\s+minutes/g),
      ].map((match) => match.slice(1).map((told) => (told === undefined ? undefined : numberOf(told))));
      for (const told of said) expect(told).toEqual([bad, bad === of ? undefined : of, periodMinutes]);
      if (of > 1) expect(chapter).toMatch(new RegExp(`periods of|for ${of * periodMinutes} minutes`));
    },
  );
});
