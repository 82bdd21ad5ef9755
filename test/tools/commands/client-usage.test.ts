import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { command } from './operated.ts';

const OUTPUTS = ['ApiUrl', 'ClientKeysTable', 'ModelStudioSecretArn', 'WebhookSecretArn'];
const STACK = `<StackName>prod</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${OUTPUTS.map(
  (key) => `<member><OutputKey>${key}</OutputKey><OutputValue>x</OutputValue></member>`,
).join('')}</Outputs>`;
const DESCRIBED = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member>${STACK}</member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
const SAVED = { queryString: 'filter message = "finish"', logGroupNames: ['prod-a', 'prod-b'] };
const DAY_SECONDS = 86_400;

const rowOf = (row: Record<string, string>) =>
  Object.entries(row).map(([field, value]) => ({ field, value }));
const FOUND: Record<string, string>[] = [
  {
    client: 'acme, "Ltd"',
    jobs: '12',
    failed: '1',
    expired: '1',
    tasks: '36',
    tasks_failed: '4',
    seconds: '93.51',
  },
  { client: 'other', jobs: '1', tasks: '1', seconds: '8' },
];
const ROWS = FOUND.map(rowOf);

/** How far back it was asked to look. */
function secondsAsked(): number {
  const { startTime, endTime } = asked.find(([operation]) => operation === 'StartQuery')?.[1] ?? {};
  return Number(endTime) - Number(startTime);
}

/** What Insights is asked, and answers. */
let asked: [operation: string, input: Record<string, unknown>, authorization: string][];
let saved: object[];
let states: string[];
let env: Record<string, string>;
let close: () => void;

beforeEach(async () => {
  [asked, saved, states] = [[], [SAVED], ['Scheduled', 'Running', 'Complete']];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const target = request.headers['x-amz-target'];
    if (target === undefined) return response.end(DESCRIBED);
    const operation = String(target).replace('Logs_20140328.', '');
    asked.push([operation, JSON.parse(body), request.headers.authorization ?? '']);
    const status = operation === 'GetQueryResults' ? states.shift() : undefined;
    if (operation === 'StartQuery' && states[0] === 'Refused') {
      const refusal = { __type: 'com.amazonaws.logs#LimitExceededException', message: 'Too many queries' };
      return response.writeHead(400).end(JSON.stringify(refusal));
    }
    const results = status === 'Complete' ? ROWS : [];
    response.end(JSON.stringify({ queryDefinitions: saved, queryId: 'q-1', status, results }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const keys = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };
  env = { AWS_ENDPOINT_URL, AWS_REGION: 'eu-west-1', ...keys };
  close = () => {
    server.close();
    server.closeAllConnections();
  };
});
afterEach(() => close());

const usage = (...args: string[]) => command('usage', ['--stack', 'prod', ...args], env);

describe('npm run usage', () => {
  it('prints what the saved query finds, as a table', async () => {
    const ran = await usage();
    expect(ran).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'client       jobs  failed  expired  cancelled  tasks  tasks_failed  seconds',
        'acme, "Ltd"    12       1        1          0     36             4       94',
        'other           1       0        0          0      1             0        8',
        '',
      ].join('\n'),
    });
    const [definitions, start, ...results] = asked;
    expect(definitions).toMatchObject([
      'DescribeQueryDefinitions',
      { queryDefinitionNamePrefix: 'prod/usage-per-client' },
      expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=local\/\d{8}\/eu-west-1\/logs\/aws4_request, /),
    ]);
    expect(start).toMatchObject(['StartQuery', SAVED, expect.anything()]);
    expect(Math.round(secondsAsked() / DAY_SECONDS)).toBe(30);
    expect(results.map(([operation, { queryId }]) => `${operation} ${queryId}`)).toEqual(
      Array(3).fill('GetQueryResults q-1'),
    );
  });

  it('prints comma-separated lines', async () => {
    const { stdout } = await usage('--csv', '--since', '12h');
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      'client,jobs,failed,expired,cancelled,tasks,tasks_failed,seconds',
      '"acme, ""Ltd""",12,1,1,0,36,4,94',
    ]);
    expect(Math.round(secondsAsked() / 3600)).toBe(12);
  });

  it.each<[what: string, arrange: () => void, sentence: string]>([
    [
      'the stack has no such query',
      () => saved.splice(0),
      'There is no saved query prod/usage-per-client: deploy this version first.\n',
    ],
    ['the query fails', () => states.splice(0, 3, 'Failed'), 'The query did not come to its end: Failed.\n'],
    ['AWS refuses it', () => states.splice(0, 3, 'Refused'), 'LimitExceededException: Too many queries\n'],
  ])('says so if %s', async (_what, arrange, sentence) => {
    arrange();
    expect(await usage()).toEqual({ code: 1, stdout: '', stderr: sentence });
  });
});
