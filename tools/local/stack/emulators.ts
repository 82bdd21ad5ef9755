import { createServer } from 'node:http';
import dynalite from 'dynalite';
import { closeServer, listenLocally } from '../http/server.ts';
import type { Sessions } from './aws/authority.ts';
import type { CallRequest } from './aws/call.ts';
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
  const eventBuses = new EventBuses();
  const secretsAndBuses = secretsAndBusesIn(secretsManager, eventBuses);
  const fronts = [tables, secretsAndBuses, queuesAndBuckets].map((each) => frontOf(each, sessions));
  const [dynamodb = '', secretsmanager = '', sqs = ''] = await Promise.all(
    fronts.map((front) => listenLocally(front)),
  );
  return {
    endpoints: { dynamodb, sqs, s3: sqs, secretsmanager, events: secretsmanager },
    secretsManager,
    eventBuses,
    close: async () => {
      await Promise.all([close(), ...fronts.map(closeServer)]);
    },
  };
}

/** At one address, as both are called by the same protocol. */
function secretsAndBusesIn(secretsManager: SecretsManager, eventBuses: EventBuses): Emulator {
  const servers = {
    secretsmanager: createSecretsManagerServer(secretsManager),
    events: createEventBusServer(eventBuses),
  };
  const serviceOf = ({ headers }: CallRequest) =>
    String(headers['x-amz-target']).startsWith('AWSEvents.') ? 'events' : 'secretsmanager';
  const server = createServer((request, response) =>
    servers[serviceOf(request)].emit('request', request, response),
  );
  return { serviceOf, server };
}

async function startDynaliteAndFauxqs(sessions: Sessions): Promise<Cloud> {
  const { emulator: queuesAndBuckets, close } = await createQueuesAndBuckets(sessions);
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const tables: Emulator = { serviceOf: () => 'dynamodb', refuse: dynamodbRefusal, server };
  return { tables, queuesAndBuckets, close };
}
