import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { report } from '../../../tools/commands/doctor/report.ts';
import { targetRefIn } from '../../../tools/commands/find-target.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import type { Ran } from '../../run.ts';
import { type Account, QUEUE_CONCURRENCY } from './aws.ts';
import { command, NO_AWS, type Operated, startOperated, type TargetName, targets } from './operated.ts';

const NO_KEYS_TABLE = 'no-keys';
const WRONG_KEY = 'sk-this-is-another-key';

let operated: Operated;
let root: string;
beforeAll(async () => {
  operated = await startOperated();
  root = await operated.operator.secret(operated.running.outputs['WebhookSecretArn'] ?? '');
  const client = new DynamoDBClient(clientSettings(operated.running.endpoints.dynamodb));
  const table = new CreateTableCommand({
    TableName: NO_KEYS_TABLE,
    AttributeDefinitions: [{ AttributeName: 'sha256', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'sha256', KeyType: 'HASH' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  await client.send(table);
  client.destroy();
});
afterAll(() => operated?.stop());
afterEach(() => operated.aws.reset());

/** Each finding: its mark, its title, its words and, below them, what to do. */
const runChecks = async (target: TargetName) => findingsIn(await operated.on(target, 'doctor'));

/** The same without a process, each of which loads all of the SDK. */
async function runChecksHere(target: TargetName) {
  const { port } = new URL(operated.system.api_url);
  const env = { ...NO_AWS, ...(target === 'deployed' && operated.aws.env) };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const lines: string[] = [];
  try {
    const ref = targetRefIn(target === 'local' ? { local: true, port } : {});
    const error = await report(ref, (line) => lines.push(line)).catch((error) => error);
    return findingsIn({ code: error ? 1 : 0, stdout: lines.join('\n'), stderr: error?.message ?? '' });
  } finally {
    vi.unstubAllEnvs();
  }
}

function findingsIn({ code, stdout, stderr }: Ran) {
  const { client_keys, modelstudio, webhook_secrets } = operated.system;
  const signing = [...webhook_secrets, root].map((secret) => secret.replace('whsec_', ''));
  const secrets = [...client_keys, modelstudio.api_key, ...signing, WRONG_KEY];
  for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
  const findings = stdout.trimEnd().split(/\n(?=\S)/);
  return { code, stderr, findings, failed: findings.filter((finding) => finding.startsWith('✗')) };
}

it.each(targets)('the doctor finds nothing wrong, %s', async (target) => {
  const { code, stderr, findings, failed } = await runChecks(target);
  expect([code, stderr, failed]).toEqual([0, '', []]);
  expect(findings.length).toBe(14);
  // Without a setting for alarms there is nobody to ask for.
  expect(findings.filter((finding) => finding.startsWith('-')).length).toBe(target === 'local' ? 7 : 3);
});

it('the doctor finds a bootstrap, whatever the name of its stack', async () => {
  operated.aws.account.toolkitName = 'our-toolkit';
  expect((await runChecks('deployed')).failed).toEqual([]);
});

it('the doctor says who is notified of alarms', async () => {
  Object.assign(operated.aws.account, { subscriptions: { 'ops@example.com': 'arn:aws:sns:x' } });
  const { code, findings } = await runChecks('deployed');
  expect([code, findings.at(-1)]).toEqual([
    0,
    expect.stringMatching(/^✓ Alarms +ops@example.com is notified/),
  ]);
});

/** Does harm, and returns what puts it right again; the account is put right after every test. */
type Harm = (operated: Operated) => unknown;

const account =
  (change: Partial<Account>): Harm =>
  ({ aws }) =>
    void Object.assign(aws.account, change);

const wrongAddress: Harm = ({ aws, sandbox }) => {
  aws.account.baseUrl = `${sandbox.baseUrl}/elsewhere`;
};

const noKeys: Harm = ({ aws }) => {
  aws.account.outputs['ClientKeysTable'] = NO_KEYS_TABLE;
};

const ownName: Harm = ({ aws }) => {
  Object.assign(aws.account.outputs, { DomainName: '127.0.0.1:1', DomainTarget: 'd-1.example.com' });
};

const anotherApi: Harm = ({ aws, sandbox }) => {
  aws.account.outputs['ApiUrl'] = sandbox.baseUrl;
};

const secret =
  (name: 'ModelStudioSecretArn' | 'WebhookSecretArn', value: string): Harm =>
  async ({ running, operator }) => {
    const arn = running.outputs[name] ?? '';
    const before = await operator.secret(arn);
    await operator.putSecret(arn, value);
    return () => operator.putSecret(arn, before);
  };

const otherKeyAtModelStudio: Harm = ({ sandbox }) => {
  const { apiKey } = sandbox;
  sandbox.apiKey = 'another-one';
  return () => {
    sandbox.apiKey = apiKey;
  };
};

const deadLetter: Harm = async ({ putDeadLetter, on }) => {
  await putDeadLetter('Poll', { poison: true });
  return () => on('local', 'redrive');
};

const PUT = String.raw`\n +→ aws secretsmanager put-secret-value --secret-id arn:\S+ --secret-string `;

const mailed = (subscriptions: Record<string, string>) =>
  account({ resources: { WatchTopicopsexamplecomB81D7E07: 'arn:x' }, subscriptions });
const UNCONFIRMED =
  'Alarms +ops@example.com has not confirmed, .+\\n +→ Follow the link in the mail "AWS Notification';

/** The local inbox answers any GET with JSON of its own. */
const pageForApi: Harm = ({ aws, system }) => {
  aws.account.outputs['ApiUrl'] = `${system.webhook_inbox_url}?`;
};

/** In this order: the secrets are as they were made until one is put. */
const cases: [TargetName, string, Harm, finding: string][] = [
  [
    'local',
    'another key',
    otherKeyAtModelStudio,
    'ModelStudio key .+ refuses it: 401\n.+MODELSTUDIO_API_KEY',
  ],
  ['deployed', 'the first key', otherKeyAtModelStudio, `ModelStudio key .+ random value .+${PUT}YOUR`],
  ['deployed', 'a wrong key', secret('ModelStudioSecretArn', WRONG_KEY), `ModelStudio key .+: 401${PUT}YOUR`],
  [
    'deployed',
    'an empty key',
    secret('ModelStudioSecretArn', ' \n'),
    `ModelStudio key +it is empty, .+${PUT}`,
  ],
  [
    'local',
    'a bad webhook secret',
    secret('WebhookSecretArn', `whsec_${Buffer.alloc(31).toString('base64')}`),
    'Webhook secret +it is not at least 32 bytes',
  ],
  [
    'deployed',
    'a bad webhook secret',
    secret('WebhookSecretArn', 'secret'),
    `Webhook secret .+${PUT}"whsec_`,
  ],
  ['local', 'a dead letter', deadLetter, 'Dead letters +1 in poll\n.+npm run redrive -- --local --port'],
  ['deployed', 'a dead letter', deadLetter, 'Dead letters +1 in poll\n.+npm run redrive -- --stack'],
  ['deployed', 'no key', noKeys, 'Client keys +none .+\n.+npm run keys -- create'],
  [
    'deployed',
    'a name that leads nowhere',
    ownName,
    'Domain +127.0.0.1:1 does not lead to the API\n.+Point 127.0.0.1:1 at d-1.example.com',
  ],
  [
    'deployed',
    'another web server',
    wrongAddress,
    'ModelStudio key .+/elsewhere answers 404 as any web server does.+\n.+baseUrl',
  ],
  ['deployed', 'another API', anotherApi, 'API +.+/v1/health answers 404\n'],
  [
    'deployed',
    'no bootstrap',
    account({ bootstrapVersion: null }),
    'CDK bootstrap .+\n +→ npx cdk bootstrap',
  ],
  [
    'deployed',
    'an alarmEmail not confirmed',
    mailed({ 'ops@example.com': 'PendingConfirmation' }),
    UNCONFIRMED,
  ],
  [
    'deployed',
    'an alarmEmail never confirmed',
    mailed({}),
    'Alarms +alarmEmail .+\n +→ aws sns subscribe --topic',
  ],
  [
    'deployed',
    'a page that answers for the API',
    pageForApi,
    'API +.+ answers 200, and not as this API does\n',
  ],
  [
    'deployed',
    'an old bootstrap',
    account({ bootstrapVersion: '5' }),
    'CDK bootstrap .+\n +→ npx cdk bootstrap',
  ],
  ['deployed', 'an unfinished stack', account({ stackStatus: 'UPDATE_IN_PROGRESS' }), 'Stack .+IN_PROGRESS'],
  [
    'deployed',
    'another organization',
    account({ organizationId: 'org_other' }),
    'ModelStudio key .+org_other: 403',
  ],
  [
    'deployed',
    'a stopped consumer',
    account({ consumerState: 'Disabled' }),
    'consumers +poll is Disabled.+\n.+uuid-1',
  ],
  [
    'deployed',
    'a new AWS account',
    account({ unreservedConcurrency: 3 * QUEUE_CONCURRENCY }),
    `Lambda concurrency +${3 * QUEUE_CONCURRENCY} .+\n.+the setting concurrency at 63 or less`,
  ],
];
it.each(cases)('%s: %s', async (target, _, harm, finding) => {
  const putRight = (await harm(operated)) as (() => unknown) | undefined;
  const { code, stderr, findings, failed } = await runChecksHere(target);
  await putRight?.();
  expect(failed).toEqual([expect.stringMatching(new RegExp(`^✗ .*${finding}`))]);
  expect([code, stderr, findings.length]).toEqual([1, 'One check failed.', 14]);
});

describe('the doctor checks nothing more if this is missing:', () => {
  const ends: [string, Partial<Account>, findings: number, last: RegExp][] = [
    [
      'credentials',
      { arn: null },
      1,
      /^✗ AWS credentials +AWS does not accept the credentials: set AWS_PROFILE/,
    ],
    [
      'stack',
      { stackStatus: null },
      3,
      /^✗ Stack +There is no stack ModelStudioJobs in us-east-1.+\n +→ npx cdk deploy/,
    ],
    [
      'outputs',
      { stackStatus: 'ROLLBACK_COMPLETE', outputs: {} },
      3,
      /^✗ Stack +There is no output ApiUrl, Client/,
    ],
  ];
  it.each(ends)('%s', async (_, change, count, last) => {
    Object.assign(operated.aws.account, change);
    const { code, stderr, findings } = await runChecks('deployed');
    expect([code, stderr, findings.length]).toEqual([1, 'One check failed.\n', count]);
    expect(findings.at(-1)).toMatch(last);
  });

  it.each([
    [
      'a page',
      200,
      '<!DOCTYPE html><html><head><meta charset="utf-8"><br></head><body>Sign in</body></html>',
    ],
    ['a well-formed page', 200, '<html><body><h1>Sign in</h1></body></html>'],
  ])("the doctor says that the answer is not AWS's when a proxy answers with %s", async (_, status, body) => {
    operated.aws.account.intercepted = { status, type: 'text/html', body };
    const { code, findings } = await runChecks('deployed');
    const sentence = expect.stringMatching(/^✗ AWS credentials +What has answered is not AWS, .+\n +→ /);
    expect([code, findings]).toEqual([1, [sentence]]);
    const listed = await operated.on('deployed', 'keys', 'list');
    expect(listed).toMatchObject({ code: 1, stderr: expect.stringMatching(/^What has answered is not AWS/) });
  });

  it('local system', async () => {
    const { code, stdout } = await command('doctor', ['--local', '--port', '1']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^✗ Stack +No local system runs on port 1: .+\n +→ npm start\n$/m);
  });
});
