import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { redeliver } from './operations.ts';
import { heldModel, jobOf, openBox, patience, submitJob } from './scene.ts';

type Box = Awaited<ReturnType<typeof openBox>>;

/** Has AWS, which runs in this process, refuse one call: the n-th from now on to this target. */
function refuseCall(target: string, nth = 1): void {
  const { emit } = Server.prototype;
  // One server may hand a request on to another.
  const calls = new Set<unknown>();
  const spy = vi.spyOn(Server.prototype, 'emit').mockImplementation(function (
    this: Server,
    event: string,
    ...args
  ) {
    const [request, response] = args as unknown as [IncomingMessage, ServerResponse];
    const isCall = String(event) === 'request' && request.headers['x-amz-target'] === target;
    if (isCall) calls.add(request.headers['amz-sdk-invocation-id']);
    if (!isCall || calls.size < nth) return Reflect.apply(emit, this, [event, ...args]);
    spy.mockRestore();
    request.resume();
    response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
    response.end('{"__type":"AccessDeniedException"}');
    return true;
  });
  onTestFinished(() => spy.mockRestore());
}

const failuresIn = ({ log }: Box) => log.filter(({ message }) => message === 'message failed').length;

/** The message comes again after 5 s. Were it lost, the sweeper would find the webhook after a quarter of an hour. */
const SOON = { timeout: 30_000, interval: 50 };

async function comesSoonAfter(box: Box, failures: number, posts: number): Promise<void> {
  await vi.waitFor(() => expect(failuresIn(box)).toBe(failures), patience);
  await vi.waitFor(() => expect(box.receiver.deliveries.length).toBe(posts), SOON);
}

const delivered = (box: Box, jobId: string) =>
  vi.waitFor(async () => expect((await jobOf(box, jobId)).webhook.status).toBe('delivered'), patience);

it('a webhook comes soon although one call failed; one whose document is gone ends in the dead-letter queue', {
  timeout: 240_000,
}, async (context) => {
  const held = heldModel();
  const box = await openBox(context, { models: { held: held.model } });
  const { operator, sandbox } = box;

  const first = await submitJob(box, 'held');
  await vi.waitFor(() => expect(sandbox.requests.length).toBeGreaterThan(1), patience);
  // Everybody else has read its secret by now.
  refuseCall('secretsmanager.GetSecretValue');
  held.isReleased = true;
  await comesSoonAfter(box, 1, 1);
  await delivered(box, first);

  const restore = await operator.loseEvent(first);
  // The round begins, though there is no document to answer with.
  expect((await redeliver(box, first)).status).toBe(500);
  await comesSoonAfter(box, 2, 1);
  await restore();
  await comesSoonAfter(box, 2, 2);
  await delivered(box, first);

  const second = await submitJob(box, 'sandbox-instant');
  await delivered(box, second);
  // The new round, the claim, and then what came of the attempt.
  refuseCall('DynamoDB_20120810.PutItem', 3);
  expect((await redeliver(box, second)).status).toBe(202);
  await comesSoonAfter(box, 3, 5);
  await delivered(box, second);

  const third = await submitJob(box, 'sandbox-instant');
  await delivered(box, third);
  await operator.queue.deliver.setAsideAfter(2);
  await operator.loseEvent(third);
  expect((await redeliver(box, third)).status).toBe(500);
  await vi.waitFor(async () => expect(await operator.deadLetters()).toBe(1), patience);
});
