import { createClientKeys } from '../../functions/edge/client-keys.ts';
import { createBucket } from '../../functions/edge/document-bucket.ts';
import { createDocuments } from '../../functions/edge/documents.ts';
import { createDurationStats } from '../../functions/edge/duration-stats.ts';
import { createClientJobs, createJobs, createOverdue } from '../../functions/edge/jobs-table.ts';
import { createLanes, type LaneSettings } from '../../functions/edge/lanes-table.ts';
import { createPacer } from '../../functions/edge/pacer-table.ts';
import { createPlaces } from '../../functions/edge/places-table.ts';
import { createJobQueue } from '../../functions/edge/queue-table.ts';
import { createRows } from '../../functions/edge/rows.ts';
import { createRequests, createSources } from '../../functions/edge/sources.ts';
import { createUploads } from '../../functions/edge/uploads.ts';
import { type Batch, createWakeUps } from '../../functions/edge/wake-ups.ts';
import type { Clock, Random, World } from '../../functions/ports.ts';
import type { Clients } from './clients.ts';
import type { Cloud } from './cloud.ts';
import { NotSimulated } from './expressions.ts';

export const RETENTION_DAYS = 30;

const QUEUE_URLS = { create: 'create', poll: 'poll', collect: 'collect', deliver: 'deliver' };

/** Attempts of which nobody learns whether their receiver hangs. */
export const UNWATCHED: Pick<World['lanes'], 'watch'> = { watch: (_receiver, attempt) => attempt() };

export interface PortSettings {
  clock: Clock;
  retentionDays?: number;
  /** λ. */
  lagPerPollSeconds?: number;
  /** How long a message waits for others to share its request. */
  batch?: Batch;
  jobsAtOnce?: number | null;
  random?: Pick<Random, 'fraction'>;
  /** Ends a call to the table of durations. Without it, none takes too long. */
  patience?: () => AbortSignal;
  /** For the lanes of receivers that hang. Without a timer, it is known when an attempt is over that it has hung. */
  lanes?: Partial<Pick<LaneSettings, 'log' | 'environments' | 'after'>>;
}

export type StoredPorts = Pick<
  World,
  | 'jobs'
  | 'clientJobs'
  | 'overdue'
  | 'queue'
  | 'places'
  | 'pacer'
  | 'requests'
  | 'sources'
  | 'documents'
  | 'uploads'
  | 'wakeUps'
  | 'durationStats'
  | 'clientKeys'
  | 'lanes'
>;

const endless = () => new AbortController().signal;

/** The ports that AWS is behind, made of the edge's own code as functions/edge/world.ts makes them. */
export function portsOver(cloud: Cloud, clients: Clients, settings: PortSettings): StoredPorts {
  const { dynamodb, sqs, s3 } = clients;
  const { clock, retentionDays = RETENTION_DAYS, lagPerPollSeconds = 1 } = settings;
  const { batch, jobsAtOnce = null, random = { fraction: () => 0.5 }, patience = endless } = settings;
  // A link is signed without a call; what it leads to is the object.
  const link = async (key: string) =>
    `data:application/json,${encodeURIComponent(cloud.objects.get(key) ?? '')}`;
  const linkToPut = async (key: string, bytes: number, sha256: string | null) => {
    const headers = { 'content-length': String(bytes), 'if-none-match': '*' };
    return {
      url: `https://documents.example.com/${key}`,
      headers: { ...headers, ...(sha256 && { sha256 }) },
    };
  };
  const bucket = async () => ({ ...createBucket('documents', s3), link, linkToPut });
  const rows = createRows(dynamodb, 'jobs');
  return {
    jobs: createJobs(rows, retentionDays, clock),
    clientJobs: createClientJobs(dynamodb, 'jobs', clock),
    overdue: createOverdue(dynamodb, 'jobs'),
    queue: createJobQueue(rows, clock, jobsAtOnce !== null),
    places: jobsAtOnce === null ? null : createPlaces(rows, jobsAtOnce, clock),
    pacer: createPacer(rows, clock),
    requests: createRequests(bucket),
    sources: createSources(bucket),
    documents: createDocuments(createRows(dynamodb, 'documents', 'key'), bucket, retentionDays, clock),
    uploads: createUploads(rows, bucket, clock),
    wakeUps: createWakeUps(sqs, QUEUE_URLS, batch),
    durationStats: createDurationStats({
      client: dynamodb,
      tableName: 'durationStats',
      clock,
      random,
      lagPerPollSeconds,
      patience,
      onError(error: unknown) {
        if (error instanceof NotSimulated) throw error;
      },
    }),
    clientKeys: createClientKeys(dynamodb, 'clientKeys', clock),
    lanes: createLanes({
      rows,
      clock,
      random,
      log: { event: () => undefined },
      environments: 10,
      after: () => () => undefined,
      ...settings.lanes,
    }),
  };
}
