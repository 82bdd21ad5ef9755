// What each setting is for is said here; `npm run settings` writes types and defaults, and the table in README.md.

/** A queue or a bus that jobs may name. */
export interface Destination {
  readonly name: string;
  readonly arn: string;
  /** By the names of clients; nobody else may use it. */
  readonly clients?: readonly string[];
}

export interface ModelStudioJobsProps {
  /** Your ModelStudio organization; without it, only the synthesis works, and `cdk deploy` stops. */
  readonly organizationId?: string;
  /** Where ModelStudio is, such as `https://studio.ionos.de` for IONOS AI Model Studio; a trailing `/api/v1` is ignored. Default: "https://api.modelstudio.app". */
  readonly baseUrl?: string;
  /** The `webhook_url` of jobs that give none; the same rules apply to it. */
  readonly defaultWebhookUrl?: string;
  /** SQS queues and EventBridge buses that jobs may name as their `destination` instead of a `webhook_url`, and by which clients; JSON as in [destinations.md](../../docs/destinations.md). */
  readonly destinations?: readonly Destination[];
  /** The `destination` of jobs that give neither it nor a `webhook_url`, if their clients may use it; `defaultWebhookUrl` is for the others. */
  readonly defaultDestination?: string;
  /** The wait before each attempt, ±20 %: at most 50 of them, at most 5 days in all. Default: [0,5,300,1800,7200,18000,36000,36000]. */
  readonly webhookRetryScheduleSeconds?: readonly number[];
  /** Ports that webhooks may use in addition to 443, such as `8443,9443`. */
  readonly webhookPorts?: readonly number[];
  /** How long finished jobs and their results are kept, 8 to 3650; fewer days hold for earlier jobs, too. Default: 30. */
  readonly retentionDays?: number;
  /** Maximum concurrent Lambdas that poll, collect and deliver, 6 to 2100: of 105, 50 poll and 50 deliver (up to 10 jobs each), and 5 collect large results. Default: 105. */
  readonly concurrency?: number;
  /** How long a job may wait until ModelStudio takes it, unless it says so itself (`queue_for`); its request is stored meanwhile; with 0, no job waits and no request is ever stored. Default: 3600. */
  readonly queueForSeconds?: number;
  /** Whether jobs may ask with `on_unknown: resubmit` to be created again when ModelStudio does not say whether it has created them; they may be billed more than once. Default: false. */
  readonly allowResubmit?: boolean;
  /** Whether the `tracestate` of a submission, up to 512 characters, is stored with its job and sent to its receiver; its `traceparent` goes along in any case. Default: false. */
  readonly forwardTracestate?: boolean;
  /** How many jobs may run at ModelStudio at once, 1 to 1000: further ones wait (`queued`); without it, there is no bound, but 3 if `baseUrl` is IONOS's; jobs that already run when it is first set are not counted, and lowering it takes effect as jobs end. */
  readonly jobsAtOnce?: number;
  /** How many conversations ModelStudio is given at once: a job of more has several parts. Default: 1000. */
  readonly conversationsPerCreate?: number;
  /** How many bytes of conversations ModelStudio is given at once: a job of more has several parts, and a conversation that is larger goes alone. Default: 4194304. */
  readonly bytesPerCreate?: number;
  /** How many parts of one job may run at ModelStudio at once, but no more than `jobsAtOnce`. Default: 10. */
  readonly partsAtOnce?: number;
  /** Extra detection delay you accept to save one poll, 0.1 to 3600: higher is cheaper. Default: 1. */
  readonly lagPerPollSeconds?: number;
  /** Requests per second that the API accepts; more are answered with 429. Default: 200. */
  readonly throttleRate?: number;
  /** How many requests the API accepts in a burst. Default: 400. */
  readonly throttleBurst?: number;
  /** Your own domain for the API, such as `jobs.example.com`, whose DNS must point at the output `DomainTarget`; of several, all answer, and the first is the one in `ApiUrl`; needs `certificateArn`. */
  readonly domainName?: readonly string[];
  /** The domain's certificate in ACM, in the stack's own region; for several domains, one for each or one for all. */
  readonly certificateArn?: readonly string[];
  /** API Gateway's own address when there is a `domainName`: with `first` it is the one in `ApiUrl`, with `beside` it answers as well, with `off` it does not. Default: "beside". */
  readonly defaultEndpoint?: 'first' | 'beside' | 'off';
  /** Your own SNS topic, which is notified of alarms. */
  readonly alarmTopicArn?: string;
  /** An address that is notified of alarms, through a topic of the stack; instead of `alarmTopicArn`. */
  readonly alarmEmail?: string;
  /** `INFO`, or `DEBUG` for a line for each poll; the metrics are in these lines, too. Default: "INFO". */
  readonly logLevel?: 'DEBUG' | 'INFO';
  /** How long logs are kept: a number of days that CloudWatch supports. Default: 30. */
  readonly logRetentionDays?: number;
  /** Tables that you have [restored](../../docs/life.md#restore-from-a-point-in-time), which are used instead of the stack's own, such as `Jobs=jobs-restored`. */
  readonly restoredTables?: readonly string[];
  /** Whether tables, bucket and secrets outlive the stack: `retain`, or `destroy`, which needs an empty bucket. Default: "retain". */
  readonly removalPolicy?: 'retain' | 'destroy';
}
