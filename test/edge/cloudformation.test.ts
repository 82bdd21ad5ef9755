import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeEach, expect, it, vi } from 'vitest';
import { type CustomResourceEvent, customResource } from '../../functions/edge/cloudformation.ts';
import { logger } from '../../functions/edge/log.ts';

const answers: { method: string | undefined; type: string | undefined; body: object }[] = [];
let status = 200;
const server = createServer(async (request, response) => {
  const body = JSON.parse(await text(request));
  answers.push({ method: request.method, type: request.headers['content-type'], body });
  response.writeHead(status).end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
afterAll(() => void server.close());

const event: CustomResourceEvent = {
  RequestType: 'Create',
  RequestId: 'r1',
  StackId: 's1',
  LogicalResourceId: 'Key',
  ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?signed`,
  ResourceProperties: { SecretArn: 'arn', Client: 'Shop/Orders' },
};
const about = { StackId: 's1', RequestId: 'r1', LogicalResourceId: 'Key', Data: { SecretArn: 'arn' } };

beforeEach(() => {
  answers.length = 0;
  status = 200;
  vi.spyOn(logger, 'write').mockImplementation(() => undefined);
  return () => vi.restoreAllMocks();
});

it('CloudFormation is told what was made, in the form that its signed address takes', async () => {
  await customResource(async () => 'made', 0)(event);
  const body = { Status: 'SUCCESS', PhysicalResourceId: 'made', ...about };
  expect(answers).toEqual([{ method: 'PUT', type: '', body }]);
});

it('what fails is tried again, as permissions may take a while to hold', async () => {
  const handle = vi.fn().mockRejectedValueOnce(new Error('denied')).mockResolvedValue('made');
  await customResource(handle, 0)(event);
  expect(answers.map(({ body }) => body)).toMatchObject([{ Status: 'SUCCESS', PhysicalResourceId: 'made' }]);
});

it.each([
  ['none', event],
  ['made', { ...event, RequestType: 'Delete' as const, PhysicalResourceId: 'made' }],
])(
  'what keeps failing is told with its reason, without a key, by the id %s',
  async (PhysicalResourceId, given) => {
    const error = Object.assign(new Error('not msj_abcdefgh1234_secretsecretsecret'), {
      name: 'AccessDenied',
    });
    await customResource(() => Promise.reject(error), 0)(given);
    const Reason = 'AccessDenied: not msj_abcdefgh1234_…';
    expect(answers.map(({ body }) => body)).toEqual([
      { Status: 'FAILED', Reason, PhysicalResourceId, ...about },
    ]);
  },
);

it('an answer that does not get through fails the call, which Lambda repeats', async () => {
  status = 403;
  await expect(customResource(async () => 'made', 0)(event)).rejects.toThrow('says 403');
});
