import { expect, it } from 'vitest';
import { parseFlags, settingsIn } from '../../../tools/local/flags.ts';

const defaults = { once: false, json: false, port: 8787, strictWebhooks: false, help: false };

it.each<[string[], object]>([
  [[], {}],
  [['--once'], { once: true }],
  [['--json', '--port', '0'], { json: true, port: 0 }],
  [['--strict-webhooks'], { strictWebhooks: true }],
  [['-h'], { help: true }],
])('the flags %j are understood', (args, expected) => {
  expect(parseFlags(args)).toEqual({ ...defaults, ...expected });
});

it.each<[string[], string]>([
  [['--port', 'x'], '--port must be a whole number from 0 to 65535'],
  [['--port', '65536'], '--port must be a whole number'],
  [['--port', ''], '--port must be a whole number'],
  [['--json', '--once'], '--json submits no sample, so --once cannot wait for one'],
  [['--strict-webhooks', '--once'], '--strict-webhooks refuses the sample'],
  [['--twice'], "Unknown option '--twice'"],
  [['now'], 'Unexpected argument: there are only flags here'],
  [['--port', '1', '--port', '2'], '--port is given more than once'],
])('the flags %j are refused', (args, sentence) => {
  expect(() => parseFlags(args)).toThrow(sentence);
});

it('the environment may give settings of the deployment', () => {
  const others = { ALLOW_RESUBMIT: 'true', JOBS_AT_ONCE: '3', WEBHOOK_RETRY_SCHEDULE_SECONDS: '0, 1.5' };
  const env = { QUEUE_FOR_SECONDS: ' 60', ...others };
  const settings = { ...env, QUEUE_FOR_SECONDS: '60' };
  expect(settingsIn({ ...env, OTHER: 'x' })).toEqual(settings);
  expect(settingsIn({})).toEqual({});
});

it.each([
  ['QUEUE_FOR_SECONDS', '-1', 'a whole number of seconds'],
  ['QUEUE_FOR_SECONDS', '604801', 'a whole number of seconds up to 604800'],
  ['ALLOW_RESUBMIT', 'yes', 'true or false'],
  ['JOBS_AT_ONCE', '0', 'a whole number from 1 to 1000'],
  ['JOBS_AT_ONCE', '1001', 'a whole number from 1 to 1000'],
  ['WEBHOOK_RETRY_SCHEDULE_SECONDS', 'soon', 'a list of seconds'],
])('a setting in the environment that is something else is refused: %s=%s', (name, value, kind) => {
  expect(() => settingsIn({ [name]: value })).toThrow(`${name} must be ${kind}`);
});
