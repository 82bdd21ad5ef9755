import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteMessageCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { print, runCommand, tell, UsageError } from './command.ts';
import { CliError } from './error-message.ts';
import { findTarget, TARGET_HELP, targetOptions, targetRefIn } from './find-target.ts';
import { arnOf, countIn, queuesOf, type StageName, type StageQueues, stageNames } from './queues.ts';

const HELP = `Sends the dead letters back to the queues that they came from.

  npm run redrive
  npm run redrive -- --queue deliver

  --queue Q     ${stageNames.join(', ')}; all of them, unless given
${TARGET_HELP}

It is harmless: a message whose work is done already changes nothing, and one that fails again comes back.
Prints tab-separated lines: queue, dead letters before, dead letters after. SQS may be a minute behind in counting.
`;

const LOOK_EVERY_MILLIS = 1000;

async function redrive(sqs: SQSClient, queues: StageQueues): Promise<void> {
  const { stage, deadLetters } = queues;
  const before = await countIn(sqs, deadLetters);
  if (before > 0) await move(sqs, queues, before);
  print([stage, before, await countIn(sqs, deadLetters)].join('\t'));
}

async function move(sqs: SQSClient, queues: StageQueues, count: number): Promise<void> {
  try {
    await moveInSqs(sqs, queues, count);
  } catch (error) {
    // The emulator's answer to what it does not know.
    if ((error as Error).name !== 'InvalidAction') throw error;
    await moveByHand(sqs, queues, count);
  }
}

/** Lets SQS do it, which goes on with it when this command is ended; the next one then looks on. */
async function moveInSqs(
  sqs: SQSClient,
  { stage, queue, deadLetters }: StageQueues,
  count: number,
): Promise<void> {
  const SourceArn = await arnOf(sqs, deadLetters);
  const latestTask = async () =>
    (await sqs.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }))).Results?.[0];
  if ((await latestTask())?.Status !== 'RUNNING') {
    const DestinationArn = await arnOf(sqs, queue);
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
  }
  for (;;) {
    const { Status, FailureReason, ApproximateNumberOfMessagesMoved: moved = 0 } = (await latestTask()) ?? {};
    tell(`${stage}: ${moved} of ${count} sent back`);
    if (Status === 'COMPLETED') return;
    if (Status !== 'RUNNING') {
      throw new CliError(
        `SQS did not send back all of ${stage}: ${FailureReason ?? Status ?? 'no reason given'}.`,
      );
    }
    await sleep(LOOK_EVERY_MILLIS);
  }
}

/** Each message is sent before it is deleted: whatever ends this in between, it is there twice and not lost. */
async function moveByHand(
  sqs: SQSClient,
  { stage, queue, deadLetters }: StageQueues,
  count: number,
): Promise<void> {
  const receive = new ReceiveMessageCommand({ QueueUrl: deadLetters, MaxNumberOfMessages: 10 });
  // No more than there were, so that it ends even if they come back at once.
  for (let moved = 0; moved < count; ) {
    const { Messages = [] } = await sqs.send(receive);
    if (Messages.length === 0) throw new CliError(`Another process is moving the dead letters of ${stage}.`);
    for (const { Body, ReceiptHandle } of Messages) {
      await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: Body }));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: deadLetters, ReceiptHandle }));
    }
    moved += Messages.length;
    tell(`${stage}: ${moved} of ${count} sent back`);
  }
}

function stagesIn(queue: string | undefined): readonly StageName[] {
  const stage = stageNames.find((name) => name === queue);
  if (queue !== undefined && !stage) {
    throw new UsageError(`--queue must be one of ${stageNames.join(', ')}`);
  }
  return stage ? [stage] : stageNames;
}

await runCommand({
  help: HELP,
  options: { ...targetOptions, queue: { type: 'string' } },
  async run(values) {
    const stages = stagesIn(values.queue);
    const target = await findTarget(targetRefIn(values));
    for (const queues of await queuesOf(target)) {
      if (stages.includes(queues.stage)) await redrive(target.clients.sqs, queues);
    }
  },
});
