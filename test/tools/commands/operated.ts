import { fileURLToPath } from 'node:url';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { findRunning, type Running } from '../../../tools/commands/running.ts';
import { type Sandbox, startSandbox } from '../../../tools/local/sandbox/server.ts';
import { clientSettings } from '../../../tools/local/stack/clients.ts';
import { type Ran, run } from '../../run.ts';
import { type Operator, operatorOf } from '../blackbox/operator.ts';
import { type LocalSystem, startLocally, upstreamEnv } from '../blackbox/system.ts';
import { type FakeAws, startFakeAws } from './aws.ts';

export type CommandName =
  | 'keys'
  | 'smoke'
  | 'redrive'
  | 'doctor'
  | 'queue'
  | 'usage'
  | 'redeliver'
  | 'submit';

/** Runs a command as npm would. */
export function command(name: CommandName, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const file = fileURLToPath(new URL(`../../../tools/commands/${name}.ts`, import.meta.url));
  return run(process.execPath, [file, ...args], { ...NO_AWS, ...env });
}

/** Whatever the machine of these tests has. */
export const NO_AWS = {
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PROFILE: '',
  AWS_REGION: '',
  AWS_DEFAULT_REGION: '',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
};

export const targets = ['local', 'deployed'] as const;
export type TargetName = (typeof targets)[number];

/** A system and somebody who operates it, as the local one and as if it were deployed. */
export interface Operated {
  system: LocalSystem;
  sandbox: Sandbox;
  running: Running;
  operator: Operator;
  aws: FakeAws;
  /** Runs a command on the one or the other. */
  on(target: TargetName, name: CommandName, ...args: string[]): Promise<Ran>;
  /** Puts a message straight among the dead letters of a queue. */
  putDeadLetter(construct: 'Poll' | 'Deliver', message: object): Promise<void>;
  stop(): Promise<void>;
}

export async function startOperated(): Promise<Operated> {
  const sandbox = await startSandbox();
  const system = await startLocally(upstreamEnv(sandbox));
  const { port } = new URL(system.api_url);
  const running = await findRunning(Number(port));
  if (!running) throw new Error('It has not announced itself');
  const operator = await operatorOf(system);
  const aws = await startFakeAws(running);
  const sqs = new SQSClient(clientSettings(running.endpoints.sqs));
  return {
    system,
    sandbox,
    running,
    operator,
    aws,
    on: (target, name, ...args) =>
      target === 'local' ? command(name, [...args, '--local', '--port', port]) : command(name, args, aws.env),
    async putDeadLetter(construct, message) {
      const id =
        Object.keys(running.resources).find((name) => name.startsWith(`${construct}DeadLetters`)) ?? '';
      const MessageBody = JSON.stringify(message);
      await sqs.send(new SendMessageCommand({ QueueUrl: running.resources[id], MessageBody }));
    },
    async stop() {
      sqs.destroy();
      operator.close();
      aws.close();
      await system.stop();
      await sandbox.close();
    },
  };
}
