import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseListQuery } from '../../../functions/core/http/list-query.ts';
import { problem } from '../../../functions/core/http/problem.ts';
import { parseSubmission } from '../../../functions/core/http/submission.ts';
import { redacted, redactedInput } from '../../../functions/core/redact.ts';
import { readSettings } from '../../../lib/settings/read-settings.ts';
import { SettingsSchema } from '../../../lib/settings/settings.ts';
import { settingsIn, upstreamIn } from '../../../tools/local/flags.ts';

/** What somebody may paste into the wrong place, by the part of it that nobody else may see. */
const SECRETS: Record<string, [secret: string, text: string]> = {
  'a client key': ['s3cr3T_-x9s3cr3T', 'msj_q433hnkr5vpd_s3cr3T_-x9s3cr3T'],
  'a webhook secret': ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  'a header': ['c3VjaCBhIHRva2Vu', 'Authorization: Bearer c3VjaCBhIHRva2Vu'],
  'a ModelStudio key': ['canary-of-letters', 'sk-canary-of-letters'],
  'a token': ['hbGciOiJIUzI1NiJ9.eyJpc3MifQ.c2ln', 'eyJhbGciOiJIUzI1NiJ9.eyJpc3MifQ.c2ln'],
  'a key of no form': ['8e7d6c5b4a39281706f5e4d3c2b1a0', '9f8e7d6c5b4a39281706f5e4d3c2b1a0'],
  'a password in a URL': ['hunter2', 'https://me:hunter2@api.example.com'],
};
const secrets = Object.entries(SECRETS).map(([what, [secret, text]]) => ({ what, secret, text }));

it.each(secrets)('no error quotes a secret: $what', ({ secret, text }) => {
  for (const quoted of [text, `'${text}'`, `--key=${text}`, `{"${text}":1}`]) {
    expect(redactedInput(quoted)).not.toContain(secret);
    expect(redactedInput(quoted)).toContain('…');
  }
});

it.each([
  "Unknown option '--nmae'. To specify a positional argument, place it after '--', as in '-- \"--nmae\"'",
  'aws secretsmanager put-secret-value --secret-id arn:aws:x:StateModelStudioApiKey9A-AbC1 --secret-string YOUR_KEY',
  '--secret-string "whsec_$(openssl rand -base64 32)"',
  'A valid client key is required: "Authorization: Bearer msj_…".',
  'There is no stack ModelStudioJobs-staging-2 in us-east-1: see conversations-2026-11-26.json, sandbox-task-errors',
  'https://api.example.com/v1?to=me@example.com',
])('an error quotes what is no secret: %s', (text) => {
  expect(redacted(text)).toBe(text);
});

/** Where a command takes something. */
const PLACES: [file: string, args: (text: string) => string[]][] = [
  ['tools/commands/keys.ts', (text) => [text]],
  ['tools/commands/keys.ts', (text) => ['list', text]],
  ['tools/commands/keys.ts', (text) => [`--${text}`]],
  ['tools/commands/keys.ts', (text) => ['create', '--name', text]],
  ['tools/commands/keys.ts', (text) => ['create', '--name', 'me', '--scope', text]],
  ['tools/commands/keys.ts', (text) => ['revoke', '--id', text]],
  ['tools/commands/keys.ts', (text) => ['list', '--stack', text]],
  ['tools/commands/keys.ts', (text) => ['list', '--local', '--port', text]],
  ['tools/commands/smoke.ts', (text) => ['--url', text]],
  [
    'tools/commands/smoke.ts',
    (text) => ['--url', `http://127.0.0.1:1/${text}`, '--key', 'k', '--model', 'm'],
  ],
  ['tools/commands/smoke.ts', (text) => ['--url', 'http://127.0.0.1:1', '--key', text, '--model', 'm']],
  [
    'tools/commands/smoke.ts',
    (text) => ['--url', 'http://127.0.0.1:1', '--key', `${text}\n`, '--model', 'm'],
  ],
  ['tools/commands/smoke.ts', (text) => ['--url', 'http://127.0.0.1:1', '--key', 'k', '--model', text]],
  ['tools/commands/smoke.ts', (text) => ['--local', '--port', text]],
  ['tools/commands/redrive.ts', (text) => ['--queue', text]],
  ['tools/commands/redrive.ts', (text) => [text]],
  ['tools/commands/doctor.ts', (text) => ['--stack', text]],
  ['tools/commands/doctor.ts', (text) => ['--local', '--port', text]],
  ['tools/commands/doctor.ts', (text) => [text]],
  ['tools/snippets/main.ts', (text) => ['--lang', text]],
  ['tools/snippets/main.ts', (text) => ['--lang', 'curl', '--kind', text]],
  ['tools/snippets/main.ts', (text) => ['--lang', 'curl', '--request', text]],
  ['tools/snippets/main.ts', (text) => [text]],
  ['tools/local/start.ts', (text) => ['--port', text]],
  ['tools/local/start.ts', (text) => [text]],
  ['tools/local/sandbox/main.ts', (text) => ['--port', text]],
  ['tools/local/sandbox/main.ts', (text) => [`--${text}`]],
  ['tools/simulation/main.ts', (text) => [text]],
];

describe('no command prints a secret that was typed in the wrong place:', () => {
  const { argv } = process;
  let said: string;
  beforeEach(() => {
    said = '';
    const take = (text: unknown) => {
      said += text;
      return true;
    };
    vi.spyOn(process.stdout, 'write').mockImplementation(take);
    vi.spyOn(process.stderr, 'write').mockImplementation(take);
    vi.spyOn(process, 'exit').mockImplementation((code) => {
      throw new Error(`exit ${code}`);
    });
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null');
    for (const name of ['AWS_PROFILE', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, '');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_REGION', 'us-east-1');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    process.argv = argv;
    process.exitCode = 0;
  });

  it.each(PLACES.map(([file, args]) => ({ file, args, shown: args('…').join(' ').trim() })))(
    '$file $shown',
    async ({ file, args }) => {
      for (const { what, secret, text } of secrets) {
        said = '';
        vi.resetModules();
        process.argv = ['node', file, ...args(text)];
        await import(`../../../${file}`).catch(({ message }) => expect(message).toBe('exit 2'));
        expect(said, what).not.toContain(secret);
        expect(said, what).not.toBe('');
      }
    },
  );
});

describe.each(secrets)('$what is not quoted', ({ secret, text }) => {
  const messageOf = (run: () => unknown) => {
    try {
      run();
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('in a setting for the synthesis', () => {
    for (const name of Object.keys(SettingsSchema.shape)) {
      expect(messageOf(() => readSettings({ [name]: text }))).not.toContain(secret);
    }
    expect(messageOf(() => readSettings({ [text]: 1 }))).not.toContain(secret);
  });

  it('in an environment variable', () => {
    const env = { MODELSTUDIO_BASE_URL: text, MODELSTUDIO_ORGANIZATION_ID: 'o', MODELSTUDIO_API_KEY: text };
    for (const name of Object.keys(env)) {
      expect(messageOf(() => upstreamIn({ ...env, [name]: '' }))).not.toContain(secret);
    }
    const schedule = { WEBHOOK_RETRY_SCHEDULE_SECONDS: text };
    expect(messageOf(() => settingsIn(schedule))).not.toContain(secret);
  });
});

it.each(secrets.filter(({ what }) => what !== 'a key of no form'))(
  'an answer of the API does not quote $what',
  ({ secret, text }) => {
    const rules = { ports: [], ownHost: null, loopback: false };
    const faulty = [
      parseListQuery(`${encodeURIComponent(text)}=1`),
      parseSubmission({ [text]: 1, webhook_url: text, metadata: { [text]: 1 } }, rules),
    ];
    for (const parsed of faulty) {
      const errors = 'faults' in parsed ? parsed.faults : [];
      expect(errors).not.toEqual([]);
      const { body } = problem('invalid_request', 'id', { errors, detail: `Refused: ${text}.` });
      expect(body).not.toContain(secret);
      expect(JSON.parse(body)).toMatchObject({ status: 400, request_id: 'id' });
    }
  },
);
