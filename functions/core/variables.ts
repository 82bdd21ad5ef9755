/** Environment variables by name: what the stack sets in lib/ and the functions read in edge/ must be these to compile. */
type Given<Name extends string> = Readonly<Record<Name, string>>;

/** Those that all functions have. */
export type SharedVariables = Given<'JOBS_TABLE' | 'DOCUMENTS_TABLE' | 'DURATION_STATS_TABLE' | 'BUCKET'> &
  Given<'API_URL' | 'MODELSTUDIO_BASE_URL' | 'MODELSTUDIO_ORGANIZATION_ID' | 'SERVICE_NAME'> &
  Given<'WEBHOOK_RETRY_SCHEDULE_SECONDS' | 'WEBHOOK_PORTS' | 'RETENTION_DAYS' | 'LAG_PER_POLL_SECONDS'> &
  /** Without it, there is no bound. */
  Partial<Given<'JOBS_AT_ONCE'>>;

type Polling = Given<'MODELSTUDIO_SECRET_ARN' | 'POLL_QUEUE_URL' | 'COLLECT_QUEUE_URL' | 'DELIVER_QUEUE_URL'>;

/** In addition, the variables of each function alone. */
export interface OwnVariables {
  submit: Given<'CLIENT_KEYS_TABLE' | 'MODELSTUDIO_SECRET_ARN' | 'QUEUE_FOR_SECONDS' | 'ALLOW_RESUBMIT'> &
    Given<'CONVERSATIONS_PER_CREATE' | 'BYTES_PER_CREATE'> &
    Given<'FORWARD_TRACESTATE' | 'POLL_QUEUE_URL' | 'DELIVER_QUEUE_URL' | 'CREATE_QUEUE_URL'> &
    Readonly<Record<'DEFAULT_WEBHOOK_URL' | 'DESTINATIONS' | 'DEFAULT_DESTINATION', string | undefined>>;
  create: Given<'MODELSTUDIO_SECRET_ARN' | 'POLL_QUEUE_URL' | 'DELIVER_QUEUE_URL' | 'CREATE_QUEUE_URL'>;
  poll: Polling;
  collect: Polling & Given<'CREATE_QUEUE_URL' | 'PARTS_AT_ONCE'>;
  /** Node itself reads the last one. */
  deliver: Given<'WEBHOOK_SECRET_ARN' | 'CLIENT_KEYS_TABLE' | 'DELIVER_QUEUE_URL'> &
    Given<'ENVIRONMENTS' | 'UV_THREADPOOL_SIZE'> &
    Readonly<Record<'DESTINATIONS', string | undefined>>;
  sweep: Given<'POLL_QUEUE_URL' | 'DELIVER_QUEUE_URL' | 'CREATE_QUEUE_URL'>;
  jobs: Given<'CLIENT_KEYS_TABLE' | 'DELIVER_QUEUE_URL'>;
}

type FromLambda = `AWS_${'ACCESS_KEY_ID' | 'SECRET_ACCESS_KEY' | 'SESSION_TOKEN' | 'LAMBDA_LOG_LEVEL'}`;
/** On Lambda, loopback is the runtime's own API, so the stack never sets this. */
type FromLaptop = 'WEBHOOK_ALLOW_LOOPBACK';

type NameIn<T> = T extends unknown ? keyof T : never;
export type Variable = NameIn<SharedVariables | OwnVariables[keyof OwnVariables]> | FromLambda | FromLaptop;
