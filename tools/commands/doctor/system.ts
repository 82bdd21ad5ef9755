import {
  type EventSourceMappingConfiguration,
  GetAccountSettingsCommand,
  type LambdaClient,
  ListEventSourceMappingsCommand,
} from '@aws-sdk/client-lambda';
import { allClientKeys, clientKeysOf } from '../client-keys.ts';
import { deployCommand } from '../find-target.ts';
import { arnOf, countIn, queuesOf, type StageName } from '../queues.ts';
import type { Target } from '../target.ts';
import { alarms } from './alarms.ts';
import { concurrencyResult } from './concurrency.ts';
import { destinations } from './destinations.ts';
import { domains } from './domains.ts';
import { queuedJobs } from './queued-jobs.ts';
import { type CheckResult, failed, ok, skipped } from './result.ts';
import { modelStudioKey, webhookSecret } from './secrets.ts';

const ANSWER_DEADLINE_MILLIS = 10_000;

export const TARGET_CHECKS: readonly { title: string; check(target: Target): Promise<CheckResult> }[] = [
  { title: 'API', check: api },
  { title: 'Domain', check: domains },
  { title: 'ModelStudio key', check: modelStudioKey },
  { title: 'Webhook secret', check: webhookSecret },
  { title: 'Client keys', check: clientKeys },
  { title: 'Queue consumers', check: consumers },
  { title: 'Lambda concurrency', check: concurrency },
  { title: 'Dead letters', check: deadLetters },
  { title: 'Queued jobs', check: queuedJobs },
  { title: 'Destinations', check: destinations },
  { title: 'Alarms', check: alarms },
];

async function api({ outputs }: Target): Promise<CheckResult> {
  const signal = AbortSignal.timeout(ANSWER_DEADLINE_MILLIS);
  const response = await fetch(`${outputs.ApiUrl}/v1/health`, { signal });
  const health = (await response.json().catch(() => null)) as { status?: unknown } | null;
  if (response.status === 200 && health?.status === 'ok') return ok(outputs.ApiUrl);
  const words = `${outputs.ApiUrl}/v1/health answers ${response.status}`;
  if (response.status === 200)
    return failed(
      `${words}, and not as this API does`,
      'Look at the network here: a proxy may have answered.',
    );
  return failed(words, 'Look at the log of the function ApiJobs.');
}

async function clientKeys(target: Target): Promise<CheckResult> {
  const keys = await allClientKeys(clientKeysOf(target));
  const active = keys.filter(({ revokedAt }) => revokedAt === null).length;
  if (active > 0) return ok(`${active} active`);
  return failed('none is active', `npm run keys -- create --name my-app ${target.flags}`);
}

interface Consumer {
  stage: StageName;
  mapping: EventSourceMappingConfiguration | undefined;
}

async function consumersOf(target: Target, lambda: LambdaClient): Promise<Consumer[]> {
  const consumer = async ({ stage, queue }: { stage: StageName; queue: string }) => {
    const EventSourceArn = await arnOf(target.clients.sqs, queue);
    const { EventSourceMappings = [] } = await lambda.send(
      new ListEventSourceMappingsCommand({ EventSourceArn }),
    );
    return { stage, mapping: EventSourceMappings[0] };
  };
  return Promise.all((await queuesOf(target)).map(consumer));
}

const HERE = skipped('this machine runs the functions itself');

async function consumers(target: Target): Promise<CheckResult> {
  if (!target.deployment) return HERE;
  const { lambda } = target.deployment;
  const all = await consumersOf(target, lambda);
  const off = all.filter(({ mapping }) => !mapping || /^(Disabl|Delet)/.test(mapping.State ?? ''));
  if (off.length === 0) return ok('each queue feeds its function');
  const words = off.map(({ stage, mapping }) => `${stage} is ${mapping?.State ?? 'missing'}`).join(', ');
  const fixes = off.map(({ mapping }) =>
    mapping
      ? `aws lambda update-event-source-mapping --uuid ${mapping.UUID} --enabled`
      : `${deployCommand(target.ref)} --revert-drift`,
  );
  return failed(words, [...new Set(fixes)].join(' && '));
}

async function concurrency(target: Target): Promise<CheckResult> {
  if (!target.deployment) return HERE;
  const { lambda } = target.deployment;
  const found = await consumersOf(target, lambda);
  // One at a time lets queued jobs through, as the sweep does its work.
  const taken = found
    .filter(({ stage }) => stage !== 'create')
    .map(({ mapping }) => mapping?.ScalingConfig?.MaximumConcurrency ?? 0);
  const { AccountLimit } = await lambda.send(new GetAccountSettingsCommand({}));
  const available = AccountLimit?.UnreservedConcurrentExecutions ?? 0;
  return concurrencyResult(
    available,
    taken.reduce((sum, one) => sum + one, 0),
  );
}

async function deadLetters(target: Target): Promise<CheckResult> {
  const counts = (await queuesOf(target)).map(async ({ stage, deadLetters }) => ({
    stage,
    count: await countIn(target.clients.sqs, deadLetters),
  }));
  const full = (await Promise.all(counts)).filter(({ count }) => count > 0);
  if (full.length === 0) return ok('none');
  return failed(
    full.map(({ stage, count }) => `${count} in ${stage}`).join(', '),
    `Find out why from the functions' logs ("message failed"), then: npm run redrive -- ${target.flags}`,
  );
}
