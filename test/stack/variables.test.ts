import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SettingsSchema } from '../../lib/settings/settings.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const LIST = 'functions/core/variables.ts';

/** What is changed on one side alone: a variable that is renamed or left out, a limit, a setting. */
const TRIES: [file: string, text: string, instead: string, missedIn?: string][] = [
  ['lib/http/api.ts', 'DEFAULT_WEBHOOK_URL:', 'DEFAULT_URL:'],
  ['lib/stages/deliver.ts', 'WEBHOOK_SECRET_ARN:', 'WEBHOOK_SECRET:'],
  ['lib/stages/sweep.ts', 'environment: {\n        POLL_QUEUE_URL: pollQueue,', 'environment: {'],
  ['lib/model-studio-jobs.ts', 'WEBHOOK_PORTS:', 'WEBHOOK_PORT:'],
  ['functions/submit/handler.ts', "optional('DEFAULT_WEBHOOK_URL')", "optional('DEFAULT_URL')"],
  ['functions/deliver/handler.ts', "required('WEBHOOK_SECRET_ARN')", "required('WEBHOOK_SECRET')"],
  ['functions/edge/settings.ts', "numbers('WEBHOOK_PORTS')", "numbers('WEBHOOK_PORT')"],
  ['functions/edge/settings.ts', "number('LAG_PER_POLL_SECONDS')", "number('LAG_PER_POLL')"],
  [
    'lib/stages/stage-function.ts',
    'FUNCTIONS[props.name].timeoutSeconds',
    'FUNCTIONS.sweeper.timeoutSeconds',
  ],
  ['functions/poll/poll-handler.ts', 'REPORT_LIMITS[name]', 'REPORT_LIMITS.poller'],
  ['lib/http/api.ts', 'URL: deliverQueue }', 'URL: deliverQueue.queue.queueUrl }'],
  ['lib/http/gateway.ts', 'defaultEndpoint, throttleRate,', 'defaultEndpoint, throttle: throttleRate,'],
  ['lib/settings/settings.ts', 'alarmTopicArn: ', 'topicArn: ', 'lib/monitoring/monitoring.ts'],
];

let folder: string;
let faults: string;

beforeAll(() => {
  mkdirSync(join(root, 'dist'), { recursive: true });
  folder = mkdtempSync(join(root, 'dist', 'tries-'));
  for (const part of ['lib', 'functions', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  for (const [file, text, instead] of TRIES) {
    const source = readFileSync(join(folder, file), 'utf8');
    if (source.split(text).length !== 2) throw new Error(`${file} must have this once: ${text}`);
    writeFileSync(join(folder, file), source.replace(text, instead));
  }
  faults = faultsIn(folder);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What the compiler says of all tries at once, one line each. */
function faultsIn(cwd: string): string {
  try {
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false', '--singleThreaded'], {
      cwd,
      encoding: 'utf8',
    });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe('a change of a variable or a limit on one side alone does not compile', () => {
  it.each(TRIES)('%s: %s becomes %j', (file, text, _instead, missedIn) => {
    const before = readFileSync(join(root, file), 'utf8').split(text)[0] ?? '';
    const place = missedIn ? `${missedIn}(` : `${file}(${before.split('\n').length},`;
    expect(faults.split('\n').filter((fault) => fault.startsWith(place))).toHaveLength(1);
  });
});

describe('every variable is both set in lib/ and read in functions/', () => {
  const list = readFileSync(join(root, LIST), 'utf8').match(/(?<=')[A-Z]+(_[A-Z]+)+(?=')/g) ?? [];
  const textOf = (pattern: string) =>
    globSync(pattern, { cwd: root, exclude: [LIST] })
      .map((path) => readFileSync(join(root, path), 'utf8'))
      .join('\n');
  const [given, read] = [textOf('lib/**/*.ts'), textOf('functions/**/*.ts')];

  it.each([...new Set(list)])('%s', (name) => {
    if (/^(ACCESS|SECRET_ACCESS|SESSION|LAMBDA)_/.test(name)) return expect(read).toContain(`'AWS_${name}'`);
    if (name !== 'WEBHOOK_ALLOW_LOOPBACK') expect(given).toContain(`${name}:`);
    if (name !== 'UV_THREADPOOL_SIZE') expect(read).toContain(`('${name}')`);
  });
});

describe('every setting is both described and used', () => {
  const files = globSync('{bin,lib}/**/*.ts', { cwd: root, exclude: ['lib/settings/**'] });
  const used = files.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');

  it.each(Object.keys(SettingsSchema.shape))('%s', (name) => {
    expect(used).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
