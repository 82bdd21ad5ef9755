import { randomBytes } from 'node:crypto';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { marshall } from '@aws-sdk/util-dynamodb';
import { newClientKey, type Scope } from '../../functions/core/http/client-key.ts';
import { liveSecrets } from '../../functions/core/webhook/client-settings.ts';
import { clientSecret } from '../../functions/core/webhook/signature.ts';
import { createRootSecrets } from '../../functions/edge/secrets.ts';
import { jobsAtOnceAt } from '../../lib/settings/jobs-at-once.ts';
import { allClientKeys } from '../commands/client-keys.ts';
import { settingsOf } from '../commands/webhook-secrets.ts';
import { announce } from './announce.ts';
import { type Console, startConsole } from './console/console.ts';
import { createDestinations, destinationsIn } from './destinations.ts';
import { type Flags, settingsIn, type Upstream, upstreamIn } from './flags.ts';
import { createInbox, type Inbox } from './inbox.ts';
import { startSandbox } from './sandbox/server.ts';
import { clientSettings } from './stack/clients.ts';
import { type LocalStack, startLocalStack } from './stack/stack.ts';
import { synthesize } from './synthesize.ts';

const ROOT_SECRET_BYTES = 32;
/** Those whose keys are there from the start. */
const CLIENTS = ['first-app', 'second-app'] as const;

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
  /** Of each client whose key is there from the start. */
  webhookSecrets: [string, string];
  keys: ClientKeyring;
  close(): Promise<void>;
}

/**
 * @param templateWith where the stack of these settings is, another release's instead of this one's
 * @throws with a sentence when something that it needs is missing or taken
 */
export async function startSystem(
  flags: Flags,
  onLog: (line: string) => void,
  templateWith: typeof synthesize = synthesize,
): Promise<System> {
  const ownUpstream = upstreamIn(process.env);
  const { JOBS_AT_ONCE, DESTINATIONS = '[]', ...settings } = settingsIn(process.env);
  const destinations = destinationsIn(DESTINATIONS);
  // Both give functions more permissions, so they are part of the synthesis.
  const jobsAtOnce = JOBS_AT_ONCE ?? (ownUpstream && jobsAtOnceAt(ownUpstream.baseUrl));
  const [templateFile, sandbox] = await Promise.all([
    templateWith({ ...(jobsAtOnce && { jobsAtOnce }), ...(destinations.length > 0 && { destinations }) }),
    ownUpstream ? null : startSandbox(),
  ]);
  const upstream = (sandbox ?? ownUpstream) as Upstream;
  const root = `whsec_${randomBytes(ROOT_SECRET_BYTES).toString('base64')}`;
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
      'State/WebhookSecret': root,
    },
    onLog: ({ line }) => onLog(line),
  });
  await createDestinations(destinations, stack);
  const inbox = createInbox(webhookSecretsIn(stack));
  const keys = await issueKeys(stack);
  const [first, second] = keys.clientKeys;
  const console = await startConsole({
    inbox,
    sandbox,
    modelIds: upstream.modelIds,
    apiUrl: stack.apiUrl,
    keys: { [CLIENTS[0]]: first, [CLIENTS[1]]: second },
    port: flags.port === 0 ? 0 : flags.port + 1,
  });
  stack.eventBuses.onEvent = (event) => console.tellOfEvent(event);
  const withdraw = announce({ stack, upstream, clientKey: first }, templateFile);
  const close = async () => {
    withdraw();
    console.close();
    await Promise.all([stack.close(), sandbox?.close()]);
  };
  const webhookSecrets: [string, string] = [
    clientSecret(root, CLIENTS[0], 1),
    clientSecret(root, CLIENTS[1], 1),
  ];
  return { stack, upstream, inbox, console, webhookSecrets, keys, close };
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
    issue(CLIENTS[0], all),
    issue(CLIENTS[1], all),
    issue(CLIENTS[0], ['jobs:read']),
    issue(CLIENTS[0], all, true),
  ]);
  return { clientKeys: [first, second], readOnlyKey, revokedKey };
}

/** Of all clients that have a key: they may be rotated, and clients may be added. */
function webhookSecretsIn({ endpoints, outputs }: LocalStack): () => Promise<string[]> {
  const client = new DynamoDBClient(clientSettings(endpoints.dynamodb));
  const secrets = new SecretsManagerClient(clientSettings(endpoints.secretsmanager));
  const table = { client, TableName: outputs['ClientKeysTable'] ?? '' };
  return async () => {
    const roots = await createRootSecrets(outputs['WebhookSecretArn'] ?? '', secrets)();
    const clients = new Set((await allClientKeys(table)).map((key) => key.client));
    const each = [...clients].map(async (name) =>
      liveSecrets(roots, name, await settingsOf(table, name), Date.now()),
    );
    return (await Promise.all(each)).flat();
  };
}

/** What `--json` prints: all that somebody needs who has nothing but the running system. */
export function publicLine({ stack, upstream, console, webhookSecrets, keys }: System) {
  const { events, ...aws } = stack.endpoints;
  return {
    api_url: stack.apiUrl,
    client_keys: keys.clientKeys,
    read_only_key: keys.readOnlyKey,
    revoked_key: keys.revokedKey,
    webhook_secret: webhookSecrets[0],
    webhook_secrets: webhookSecrets,
    webhook_inbox_url: console.inboxUrl,
    console_url: console.url,
    modelstudio: {
      base_url: upstream.baseUrl,
      organization_id: upstream.organizationId,
      api_key: upstream.apiKey,
      model_ids: upstream.modelIds,
    },
    aws,
  };
}
