import dynalite from 'dynalite';
import { closeServer, listenLocally } from '../http/server.ts';
import type { Sessions } from './aws/authority.ts';
import { dynamodbRefusal } from './aws/dynamodb-rules.ts';
import { type Cloud, type Emulator, frontOf } from './aws/front.ts';
import { createEventBusServer, EventBuses } from './event-buses.ts';
import { startMoto } from './moto.ts';
import { createQueuesAndBuckets } from './queues-and-buckets.ts';
import { createSecretsManagerServer, SecretsManager } from './secrets-manager.ts';

export interface Endpoints {
  dynamodb: string;
  sqs: string;
  s3: string;
  secretsmanager: string;
  events: string;
}

export interface Emulators {
  endpoints: Endpoints;
  secretsManager: SecretsManager;
  eventBuses: EventBuses;
  close(): Promise<void>;
}

/** dynalite and fauxqs, or, by `CLOUD=moto`, moto. */
const startCloud: (sessions: Sessions) => Promise<Cloud> =
  process.env['CLOUD'] === 'moto' ? startMoto : startDynaliteAndFauxqs;

/** @param sessions whom the services hold to their roles, looked up at each call */
export async function startEmulators(sessions: Sessions = new Map()): Promise<Emulators> {
  const secretsManager = new SecretsManager();
  const { tables, queuesAndBuckets, close } = await startCloud(sessions);
  const secrets: Emulator = {
    serviceOf: () => 'secretsmanager',
    server: createSecretsManagerServer(secretsManager),
  };
  const eventBuses = new EventBuses();
  const events: Emulator = { serviceOf: () => 'events', server: createEventBusServer(eventBuses) };
  const fronts = [tables, secrets, queuesAndBuckets, events].map((emulator) => frontOf(emulator, sessions));
  const [dynamodb = '', secretsmanager = '', sqs = '', bus = ''] = await Promise.all(
    fronts.map((front) => listenLocally(front)),
  );
  return {
    endpoints: { dynamodb, sqs, s3: sqs, secretsmanager, events: bus },
    secretsManager,
    eventBuses,
    close: async () => {
      await Promise.all([close(), ...fronts.map(closeServer)]);
    },
  };
}

async function startDynaliteAndFauxqs(sessions: Sessions): Promise<Cloud> {
  const { emulator: queuesAndBuckets, close } = await createQueuesAndBuckets(sessions);
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const tables: Emulator = { serviceOf: () => 'dynamodb', refuse: dynamodbRefusal, server };
  return { tables, queuesAndBuckets, close };
}
