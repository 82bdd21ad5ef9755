import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SettingsError } from '../../lib/settings/environments.ts';
import { readSettings } from '../../lib/settings/read-settings.ts';
import { SettingsSchema } from '../../lib/settings/settings.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/0b1c2d3e-1234-4321-abcd-0123456789ab';
const QUEUE = { name: 'orders', arn: 'arn:aws:sqs:eu-central-1:123456789012:orders', clients: ['my-app'] };
const BUS = 'arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/default';
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:alarms';

function complaintsAbout(context: Record<string, unknown>): string[] {
  try {
    readSettings(context);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message.split('\n');
  }
  return [];
}

describe('these settings are accepted:', () => {
  it.each([
    [{ organizationId: 'org_1.a-b' }, { organizationId: 'org_1.a-b' }],
    [{}, { baseUrl: 'https://api.modelstudio.app' }],
    [
      { baseUrl: 'https://ms.example.com:8443/gateway/' },
      { baseUrl: 'https://ms.example.com:8443/gateway/' },
    ],
    [{ baseUrl: 'http://127.0.0.1:4000' }, { baseUrl: 'http://127.0.0.1:4000' }],
    [{ webhookRetryScheduleSeconds: '0, 7' }, { webhookRetryScheduleSeconds: [0, 7] }],
    [{ webhookRetryScheduleSeconds: [0, 432000] }, { webhookRetryScheduleSeconds: [0, 432000] }],
    [{ webhookPorts: '8443,9443' }, { webhookPorts: [8443, 9443] }],
    [{ webhookPorts: 8443 }, { webhookPorts: [8443] }],
    [
      { webhookPorts: '8443', defaultWebhookUrl: 'https://hooks.example.com:8443/in' },
      { defaultWebhookUrl: 'https://hooks.example.com:8443/in' },
    ],
    [{ retentionDays: '8' }, { retentionDays: 8 }],
    [{ destinations: JSON.stringify([QUEUE]) }, { destinations: [QUEUE] }],
    [{ destinations: [{ name: 'a', arn: BUS }] }, { destinations: [{ name: 'a', arn: BUS, clients: [] }] }],
    [
      {
        destinations: [{ name: 'in-order', arn: `${QUEUE.arn}.fifo` }],
        defaultDestination: 'in-order',
        defaultWebhookUrl: 'https://hooks.example.com',
      },
      { defaultDestination: 'in-order' },
    ],
    [{ retentionDays: 90 }, { retentionDays: 90 }],
    [{ concurrency: '2100' }, { concurrency: 2100 }],
    [{ concurrency: 6 }, { concurrency: 6 }],
    [{ stackName: 'prod' }, { stackName: 'prod' }],
    [{ stackName: 'A1-b' }, { stackName: 'A1-b' }],
    [{}, { stackName: 'ModelStudioJobs' }],
    [{ jobsAtOnce: '1000' }, { jobsAtOnce: 1000 }],
    [{ jobsAtOnce: 20, baseUrl: 'https://studio.ionos.de' }, { jobsAtOnce: 20 }],
    [
      { throttleRate: '10', throttleBurst: 20 },
      { throttleRate: 10, throttleBurst: 20 },
    ],
    [{ logRetentionDays: '365' }, { logRetentionDays: 365 }],
    [{ logLevel: 'DEBUG' }, { logLevel: 'DEBUG' }],
    [{ removalPolicy: 'destroy' }, { removalPolicy: 'destroy' }],
    [
      { restoredTables: 'Jobs=jobs-2, Documents=documents.2' },
      { restoredTables: ['Jobs=jobs-2', 'Documents=documents.2'] },
    ],
    [{ alarmTopicArn: TOPIC }, { alarmTopicArn: TOPIC }],
    [{ alarmEmail: 'ops@example.com' }, { alarmEmail: 'ops@example.com' }],
    [
      { domainName: 'jobs.example.com', certificateArn: CERTIFICATE },
      {
        domainName: ['jobs.example.com'],
        certificateArn: [CERTIFICATE],
        defaultEndpoint: 'beside',
      },
    ],
    [
      { domainName: 'a.example.com,b.example.com', certificateArn: CERTIFICATE, defaultEndpoint: 'first' },
      { domainName: ['a.example.com', 'b.example.com'], certificateArn: [CERTIFICATE] },
    ],
    [{ '@aws-cdk/core:explicitStackTags': true, 'availability-zones:account=1:region=x': [] }, {}],
    [{ 'acknowledged-issue-numbers': [34892] }, {}],
  ])('%j', (context, settings) => {
    expect(readSettings(context)).toMatchObject(settings);
  });
});

describe('three jobs run at once where IONOS has its studio, and any number elsewhere:', () => {
  const STUDIO = ['studio.ionos.de', 'STUDIO.ionos.de/api/v1', 'studio.ionos.de.', 'eu.studio.ionos.de:443'];
  const ELSEWHERE = [
    'api.modelstudio.app',
    'cloud.ionos.de',
    'studio.ionos.de.example.com',
    'studio-ionos.de',
  ];

  it.each([...STUDIO, ...ELSEWHERE])('%s', (address) => {
    const { jobsAtOnce } = readSettings({ baseUrl: `https://${address}` });
    expect(jobsAtOnce).toBe(STUDIO.includes(address) ? 3 : undefined);
  });
});

describe('settings are refused with one sentence', () => {
  const SCHEDULE = 'must be 1 to 50 waits in whole seconds that add up to at most 432000, such as 0,5,300';
  const PORTS =
    'must be ports from 1 to 65535 other than 443 (which is always allowed), each once, such as 8443,9443';
  const BASE_URL =
    'must be an https URL without user name, query or fragment (http for a loopback host only)';

  it.each([
    [{ organisationId: 'org_x' }, 'There is no setting organisationId; did you mean organizationId?'],
    [{ 'retention-days': 9 }, 'There is no setting retention-days; did you mean retentionDays?'],
    [
      { colour: 'red' },
      /^There is no setting colour; the settings are: stackName, organizationId, .*, removalPolicy\.$/,
    ],
    [
      { organizationId: '' },
      'The setting organizationId must be a ModelStudio organization id, such as org_123; it is "".',
    ],
    [{ organizationId: '..' }, /^The setting organizationId must be .*; it is "\.\."\.$/],
    [{ organizationId: 'org/x' }, /^The setting organizationId must be /],
    [{ baseUrl: 'not a url' }, `The setting baseUrl ${BASE_URL}; it is "not a url".`],
    [{ baseUrl: 'http://ms.example.com' }, /^The setting baseUrl must be an https URL /],
    [{ baseUrl: 'http://localhost.example.com' }, /^The setting baseUrl must be an https URL /],
    [{ baseUrl: 'https://user:pw@ms.example.com' }, /^The setting baseUrl must be /],
    [{ baseUrl: 'https://ms.example.com/?a=b' }, /^The setting baseUrl must be /],
    [{ baseUrl: 'https://ms.example.com/#a' }, /^The setting baseUrl must be /],
    [{ baseUrl: 'https://' }, /^The setting baseUrl must be /],
    [{ baseUrl: 'ftp://ms.example.com' }, /^The setting baseUrl must be /],
    [
      { webhookRetryScheduleSeconds: 'soon' },
      `The setting webhookRetryScheduleSeconds ${SCHEDULE}; it is "soon".`,
    ],
    [{ webhookRetryScheduleSeconds: '' }, /^The setting webhookRetryScheduleSeconds must be .*; it is ""\.$/],
    [{ webhookRetryScheduleSeconds: '0,,5' }, /^The setting webhookRetryScheduleSeconds must be /],
    [{ webhookRetryScheduleSeconds: '0,1.5' }, /^The setting webhookRetryScheduleSeconds must be /],
    [{ webhookRetryScheduleSeconds: '-1' }, /^The setting webhookRetryScheduleSeconds must be /],
    [{ webhookRetryScheduleSeconds: '300000,300000' }, /^The setting webhookRetryScheduleSeconds must be /],
    [{ webhookRetryScheduleSeconds: Array(51).fill(1) }, /^The setting webhookRetryScheduleSeconds must be /],
    [{ webhookRetryScheduleSeconds: [] }, /^The setting webhookRetryScheduleSeconds must be /],
    [{ webhookPorts: 'https' }, `The setting webhookPorts ${PORTS}; it is "https".`],
    [{ webhookPorts: '443' }, /^The setting webhookPorts must be ports /],
    [{ webhookPorts: '8443,8443' }, /^The setting webhookPorts must be ports /],
    [{ webhookPorts: '0' }, /^The setting webhookPorts must be ports /],
    [{ webhookPorts: '65536' }, /^The setting webhookPorts must be ports /],
    [
      { defaultWebhookUrl: 'http://hooks.example.com' },
      "The setting defaultWebhookUrl cannot be a job's webhook_url: it must start with https:// and a host name.",
    ],
    [
      { defaultWebhookUrl: 'https://10.0.0.1/' },
      /^The setting defaultWebhookUrl cannot be .*, not an IP address\.$/,
    ],
    [
      { defaultWebhookUrl: 'https://hooks.internal/' },
      /^The setting defaultWebhookUrl cannot be .* a public host\.$/,
    ],
    [
      { defaultWebhookUrl: 'https://hooks.example.com:8443/' },
      /^The setting defaultWebhookUrl .* not use port 8443\.$/,
    ],
    [
      {
        defaultWebhookUrl: 'https://jobs.example.com/',
        domainName: 'jobs.example.com',
        certificateArn: CERTIFICATE,
      },
      /^The setting defaultWebhookUrl cannot be .* this service's own address\.$/,
    ],
    [
      { destinations: 'orders' },
      'The setting destinations must be a list of {"name", "arn", "clients"} with different names of letters, digits, - and _, each with the ARN of an SQS queue or an EventBridge bus, and with names of clients; it is "orders".',
    ],
    [
      { destinations: [QUEUE, { ...QUEUE, name: 'a b' }] },
      /^The setting destinations .*; \/1\/name is wrong\.$/,
    ],
    [{ destinations: JSON.stringify([{ ...QUEUE, arn: 'x' }]) }, /; \/0\/arn is wrong\.$/],
    [{ destinations: [{ ...QUEUE, clients: ['a', ''] }] }, /; \/0\/clients\/1 is wrong\.$/],
    [{ destinations: [{ ...QUEUE, clients: [' a'] }] }, /; \/0\/clients\/0 is wrong\.$/],
    [{ destinations: [{ ...QUEUE, client: 'a' }] }, /; \/0\/client is wrong\.$/],
    [
      { destinations: [QUEUE, QUEUE] },
      /^The setting destinations must be a list of .* different names .*; it is /,
    ],
    [
      { destinations: [QUEUE], defaultDestination: 'other' },
      'The setting defaultDestination must be the name of one of the destinations.',
    ],
    [
      { retentionDays: '7' },
      'The setting retentionDays must be a whole number from 8 (a job may run for 7 days) to 3650; it is "7".',
    ],
    [{ retentionDays: '30d' }, /^The setting retentionDays must be a whole number .*; it is "30d"\.$/],
    [{ retentionDays: true }, /^The setting retentionDays must be a whole number .*; it is true\.$/],
    [{ concurrency: 5 }, 'The setting concurrency must be a whole number from 6 to 2100; it is 5.'],
    [{ concurrency: null }, 'The setting concurrency must be a whole number from 6 to 2100; it is null.'],
    [
      { stackName: 'my_stack' },
      'The setting stackName must be a name that CloudFormation takes for a stack: a letter, then letters, digits and hyphens; it is "my_stack".',
    ],
    [{ stackName: '' }, /^The setting stackName must be /],
    [{ stackName: '1st' }, /^The setting stackName must be /],
    [{ stackName: 's'.repeat(129) }, /^The setting stackName must be /],
    [{ stackName: 'CDKToolkit' }, /^The setting stackName must be /],
    [
      { lagPerPollSeconds: '0' },
      'The setting lagPerPollSeconds must be a number of seconds from 0.1 to 3600; it is "0".',
    ],
    [{ lagPerPollSeconds: 'NaN' }, /^The setting lagPerPollSeconds must be a number .*; it is "NaN"\.$/],
    [{ jobsAtOnce: 0 }, 'The setting jobsAtOnce must be a whole number from 1 to 1000; it is 0.'],
    [{ jobsAtOnce: '' }, /^The setting jobsAtOnce must be a whole number .*; it is ""\.$/],
    [{ throttleRate: 0 }, 'The setting throttleRate must be a whole number from 1 to 100000; it is 0.'],
    [
      { throttleBurst: '1e3' },
      'The setting throttleBurst must be a whole number from 1 to 100000; it is "1e3".',
    ],
    [
      { logRetentionDays: '31' },
      /^The setting logRetentionDays must be one of .* CloudWatch supports: 1, 3, .*, 3653; it is "31"\.$/,
    ],
    [{ logRetentionDays: '9999' }, /^The setting logRetentionDays must be one of /],
    [{ logLevel: 'debug' }, 'The setting logLevel must be DEBUG or INFO; it is "debug".'],
    [
      { restoredTables: 'DurationStats=other' },
      /^The setting restoredTables must be Jobs, Documents or Client/,
    ],
    [{ restoredTables: 'Jobs=one,Jobs=two' }, /^The setting restoredTables must be .*, each once/],
    [{ restoredTables: 'Jobs=one,Documents=one' }, /^The setting restoredTables must be .*, each once/],
    [{ removalPolicy: 'snapshot' }, 'The setting removalPolicy must be retain or destroy; it is "snapshot".'],
    [
      { alarmTopicArn: 'alarms' },
      'The setting alarmTopicArn must be the ARN of an SNS topic; it is "alarms".',
    ],
    [{ alarmEmail: 'ops' }, 'The setting alarmEmail must be an e-mail address; it is "ops".'],
    [
      { alarmTopicArn: TOPIC, alarmEmail: 'ops@example.com' },
      /^The settings alarmTopicArn and alarmEmail exclude each other/,
    ],
    [
      { domainName: 'jobs.example.com' },
      'The setting domainName needs certificateArn beside it: one for all names, or one for each.',
    ],
    [
      { domainName: 'a.example.com,b.example.com,c.example.com', certificateArn: [CERTIFICATE, CERTIFICATE] },
      /^The setting domainName needs certificateArn beside it: one for all/,
    ],
    [
      { domainName: 'a.example.com,a.example.com', certificateArn: CERTIFICATE },
      /^The setting domainName must be .*, each once; /,
    ],
    [
      {
        defaultWebhookUrl: 'https://b.example.com/',
        domainName: 'a.example.com,b.example.com',
        certificateArn: CERTIFICATE,
      },
      /^The setting defaultWebhookUrl cannot be .* this service's own address\.$/,
    ],
    [
      { domainName: 'jobs.example.com', certificateArn: CERTIFICATE, defaultEndpoint: 'on' },
      'The setting defaultEndpoint must be first, beside or off; it is "on".',
    ],
    [{ defaultEndpoint: 'off' }, /^The setting defaultEndpoint needs domainName beside it: without, /],
    [
      {
        domainName: 'jobs.example.com',
        certificateArn: CERTIFICATE,
        alarmTopicArn: TOPIC.replace('eu-central-1', 'us-east-1'),
      },
      "The settings certificateArn and alarmTopicArn must be in one region, the stack's own.",
    ],
    [{ certificateArn: CERTIFICATE }, 'The setting certificateArn needs domainName beside it.'],
    [
      { domainName: 'https://jobs.example.com', certificateArn: CERTIFICATE },
      /^The setting domainName must be a DNS name /,
    ],
    [{ domainName: 'jobs', certificateArn: CERTIFICATE }, /^The setting domainName must be a DNS name /],
    [
      { domainName: 'jobs.example.com', certificateArn: 'x' },
      /^The setting certificateArn must be the ARN of an ACM certificate, or one for each domain; /,
    ],
  ])('when they are %j', (context, sentence) => {
    const complaints = complaintsAbout(context);
    expect(complaints).toEqual([typeof sentence === 'string' ? sentence : expect.stringMatching(sentence)]);
    expect(complaints[0]).not.toMatch(/received|undefined|Invalid/);
  });

  it('for each of them that is wrong', () => {
    const context = { logLevel: 'LOUD', retentionDays: 0, retentoinDays: 9, color: 'red' };
    expect(complaintsAbout(context).map((complaint) => complaint.split(/[;:]| must/)[0])).toEqual([
      'The setting retentionDays',
      'The setting logLevel',
      'There is no setting retentoinDays',
      'There is no setting color',
    ]);
  });
});

it.each<[what: string, wrong: object]>([
  ['a member of another name', { ...QUEUE, client: 'my-app' }],
  ['a name that looks like a URL', { ...QUEUE, name: 'https://hooks.example.com' }],
  ['clients that are no list', { ...QUEUE, clients: 'my-app' }],
  ['no ARN', { name: 'orders' }],
  ['the ARN of a topic', { ...QUEUE, arn: TOPIC }],
  ['more than a queue', { ...QUEUE, arn: `${QUEUE.arn}/x` }],
  ['every queue of a kind', { ...QUEUE, arn: `${QUEUE.arn}*` }],
  ['a name that no queue has', { ...QUEUE, arn: QUEUE.arn + 'x'.repeat(80) }],
  ['the ARN of a rule', { ...QUEUE, arn: BUS.replace('event-bus', 'rule') }],
])('a destination is refused that has %s', (_what, wrong) => {
  const sentence = /^The setting destinations must be a list of /;
  expect(complaintsAbout({ destinations: [wrong] })).toEqual([expect.stringMatching(sentence)]);
});

it.each(['msj_abc_*', 'whsec_*', 'sk-*', 'Bearer *', 'https://operator:*@example.com', '*'])(
  'a secret that was given for another setting by mistake is not printed: %s',
  (form) => {
    const secret = 'aZ09bY18cX27dW36eV45';
    const given = form.replace('*', secret);
    const complaints = Object.keys(SettingsSchema.shape).flatMap((name) =>
      complaintsAbout({ [name]: given }),
    );
    expect(complaints.length).toBeGreaterThan(10);
    expect(complaints.join('\n')).not.toContain(secret);
  },
);

it('the app prints what is wrong with a setting, and no stack trace', () => {
  const CDK_OUTDIR = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-test-'));
  onTestFinished(() => rmSync(CDK_OUTDIR, { recursive: true }));
  const env = { ...process.env, CDK_OUTDIR, CDK_CONTEXT_JSON: JSON.stringify({ organisationId: 'org_x' }) };
  const run = spawnSync(process.execPath, ['bin/start.js'], { cwd: root, env, encoding: 'utf8' });
  expect(run.stderr).toBe('There is no setting organisationId; did you mean organizationId?\n');
  expect(run.status).toBe(1);
});
