import { randomBytes } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Scope } from '../../functions/core/http/client-key.ts';
import { jobsAtOnceAt } from '../../lib/settings/jobs-at-once.ts';
import { newClientKey } from '../commands/new-client-key.ts';
import { announce } from './announce.ts';
import { type Console, startConsole } from './console/console.ts';
import { type Flags, settingsIn, type Upstream, upstreamIn } from './flags.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { startSandbox } from './sandbox/server.ts';
import { clientSettings } from './stack/clients.ts';
import { type LocalStack, startLocalStack } from './stack/stack.ts';
import { synthesize } from './synthesize.ts';

const SIGNING_SECRET_BYTES = 24;

export interface ClientKeyring {
  clientKeys: [string, string];
  readOnlyKey: string;
  revokedKey: string;
}

/** The whole system on this machine: the stack, an upstream, an inbox for webhooks, keys to call it with. */
export interface System {
  stack: LocalStack;
  upstream: Upstream;
  inbox: Inbox;
  console: Console;
  webhookSecret: string;
  keys: ClientKeyring;
  close(): Promise<void>;
}

/** @throws with a sentence when something that it needs is missing or taken */
export async function startSystem(flags: Flags, onLog: (line: string) => void): Promise<System> {
  const ownUpstream = upstreamIn(process.env);
  const { JOBS_AT_ONCE, ...settings } = settingsIn(process.env);
  // It gives functions more permissions, so it is part of the synthesis.
  const jobsAtOnce = JOBS_AT_ONCE ?? (ownUpstream && jobsAtOnceAt(ownUpstream.baseUrl));
  const [templateFile, sandbox] = await Promise.all([
    synthesize(jobsAtOnce ? { jobsAtOnce } : {}),
    ownUpstream ? null : startSandbox(),
  ]);
  const upstream = (sandbox ?? ownUpstream) as Upstream;
  const webhookSecret = `whsec_${randomBytes(SIGNING_SECRET_BYTES).toString('base64')}`;
  const stack = await startLocalStack({
    templateFile,
    port: flags.port,
    environment: {
      MODELSTUDIO_BASE_URL: upstream.baseUrl,
      MODELSTUDIO_ORGANIZATION_ID: upstream.organizationId,
      // Somebody is watching: a job of seconds is looked at each second.
      LAG_PER_POLL_SECONDS: '0.02',
      ...settings,
    },
    extraEnvironment: {
      // Each poll is a line of its own.
      AWS_LAMBDA_LOG_LEVEL: 'DEBUG',
      ...(!flags.strictWebhooks && { WEBHOOK_ALLOW_LOOPBACK: 'true' }),
    },
    secrets: {
      'State/ModelStudioApiKey': upstream.apiKey,
      'State/WebhookSecret': webhookSecret,
    },
    onLog: ({ line }) => onLog(line),
  });
  const secrets = new SecretsManagerClient(clientSettings(stack.endpoints.secretsmanager));
  const inbox = createInbox(secrets, stack.outputs['WebhookSecretArn'] ?? '');
  const keys = await issueKeys(stack);
  const [first, second] = keys.clientKeys;
  const console = await startConsole({
    inbox,
    sandbox,
    modelIds: upstream.modelIds,
    apiUrl: stack.apiUrl,
    keys: { 'first-app': first, 'second-app': second },
    port: flags.port === 0 ? 0 : flags.port + 1,
  });
  const withdraw = announce({ stack, upstream, clientKey: first }, templateFile);
  const close = async () => {
    withdraw();
    console.close();
    await Promise.all([stack.close(), sandbox?.close()]);
  };
  return { stack, upstream, inbox, console, webhookSecret, keys, close };
}

async function issueKeys(stack: LocalStack): Promise<ClientKeyring> {
  const dynamodb = new DynamoDBClient(clientSettings(stack.endpoints.dynamodb));
  const TableName = stack.outputs['ClientKeysTable'];
  const issue = async (client: string, scopes: Scope[], isRevoked = false) => {
    const now = Date.now();
    const { key, record } = newClientKey(client, scopes, randomBytes(48), now);
    const Item = marshall({ ...record, revokedAt: isRevoked ? now : null });
    await dynamodb.send(new PutItemCommand({ TableName, Item }));
    return key;
  };
  const all: Scope[] = ['jobs:read', 'jobs:write'];
  const [first, second, readOnlyKey, revokedKey] = await Promise.all([
    issue('first-app', all),
    issue('second-app', all),
    issue('first-app', ['jobs:read']),
    issue('first-app', all, true),
  ]);
  return { clientKeys: [first, second], readOnlyKey, revokedKey };
}

/** What `--json` prints: all that somebody needs who has nothing but the running system. */
export function publicLine({ stack, upstream, console, webhookSecret, keys }: System) {
  return {
    api_url: stack.apiUrl,
    client_keys: keys.clientKeys,
    read_only_key: keys.readOnlyKey,
    revoked_key: keys.revokedKey,
    webhook_secret: webhookSecret,
    webhook_inbox_url: console.inboxUrl,
    console_url: console.url,
    modelstudio: {
      base_url: upstream.baseUrl,
      organization_id: upstream.organizationId,
      api_key: upstream.apiKey,
      model_ids: upstream.modelIds,
    },
    aws: stack.endpoints,
  };
}
