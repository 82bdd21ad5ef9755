import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Running } from '../../../tools/commands/running.ts';
import { readSynthesizedStack } from '../../../tools/local/stack/template.ts';
import { synthesize } from '../../../tools/local/synthesize.ts';
import { type Answer, json } from './answer.ts';
import { fakeSqs } from './fake-sqs.ts';

/** What AWS knows; a test changes it as it likes. */
export interface Account {
  /** Null: the credentials are not accepted. */
  arn: string | null;
  /** Null: there is no such stack. */
  bootstrapVersion: string | null;
  toolkitName: string;
  stackStatus: string | null;
  outputs: Record<string, string>;
  organizationId: string;
  /** Of ModelStudio, where it is another than the system's. */
  baseUrl: string | null;
  unreservedConcurrency: number;
  consumerState: string;
  /** Beside those of the template. */
  resources: Record<string, string>;
  /** Of the topic of the alarms: ARNs, or what SNS shows instead, by their address. */
  subscriptions: Record<string, string>;
  /** What something in between answers to all calls. */
  intercepted: Answer | null;
  /** Errors by operation of SQS. */
  sqsRefuses: Record<string, string>;
}

export interface FakeAws {
  account: Account;
  /** Sets everything right again. */
  reset(): void;
  /** Lets the SDK find it, and the emulators of the data. */
  env: Record<string, string>;
  close(): void;
}

export const QUEUE_CONCURRENCY = 35;

/** AWS as it would be if a local system were deployed: the services that have no emulator, over the system's own data. */
export async function startFakeAws(running: Running): Promise<FakeAws> {
  const resources = await resourcesOf(running);
  const healthy = (): Account => ({
    arn: 'arn:aws:sts::000000000000:assumed-role/Operator/me',
    bootstrapVersion: '30',
    toolkitName: 'CDKToolkit',
    stackStatus: 'UPDATE_COMPLETE',
    outputs: { ...running.outputs },
    organizationId: running.modelStudio.organizationId,
    baseUrl: null,
    unreservedConcurrency: 1000,
    consumerState: 'Enabled',
    resources: {},
    subscriptions: {},
    intercepted: null,
    sqsRefuses: {},
  });
  const sqs = fakeSqs(running, () => aws.account.sqsRefuses);

  async function answer(request: IncomingMessage, body: string): Promise<Answer> {
    if (aws.account.intercepted) return aws.account.intercepted;
    if (request.headers['x-amz-target']) return sqs(request, body);
    const parameters = new URLSearchParams(body);
    switch (parameters.get('Action')) {
      case 'GetCallerIdentity':
        return identity(aws.account);
      case 'DescribeStacks':
        return stackNamed(parameters.get('StackName') ?? '', aws.account);
      case 'DescribeStackResources':
        return stackOf(parameters.get('PhysicalResourceId') ?? '', aws.account);
      case 'ListStackResources':
        return pageOf([...resources, ...Object.entries(aws.account.resources)], parameters.get('NextToken'));
      case 'ListSubscriptionsByTopic':
        return subscriptionsIn(aws.account);
      default:
        return lambda(request.url ?? '', running, aws.account);
    }
  }

  const server = createServer(async (request, response) => {
    const { status, type, body } = await answer(request, await text(request));
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const aws: FakeAws = {
    account: healthy(),
    reset() {
      aws.account = healthy();
    },
    env: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_ENDPOINT_URL_DYNAMODB: running.endpoints.dynamodb,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: running.endpoints.secretsmanager,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return aws;
}

type Resource = [logicalId: string, physicalId: string];

/** The template's own, so that a logical id that changes there is noticed here. */
async function resourcesOf({ resources }: Running): Promise<Resource[]> {
  const { Resources } = readSynthesizedStack(await synthesize()).template;
  return Object.keys(Resources).map((id) => [id, resources[id] ?? `ModelStudioJobs-${id}`]);
}

function identity({ arn }: Account): Answer {
  if (arn === null) return failure('InvalidClientTokenId', 'The security token is invalid.');
  return success('GetCallerIdentity', `<Arn>${arn}</Arn>`);
}

function stackNamed(name: string, account: Account): Answer {
  const { bootstrapVersion, toolkitName, stackStatus, outputs } = account;
  if (name === toolkitName && bootstrapVersion !== null) {
    return stack(name, 'CREATE_COMPLETE', { BootstrapVersion: bootstrapVersion });
  }
  if (name === 'ModelStudioJobs' && stackStatus !== null) return stack(name, stackStatus, outputs);
  return failure('ValidationError', `Stack with id ${name} does not exist`);
}

function stackOf(physicalId: string, { bootstrapVersion, toolkitName }: Account): Answer {
  const isThere = physicalId === '/cdk-bootstrap/hnb659fds/version' && bootstrapVersion !== null;
  if (!isThere) return failure('ValidationError', `Stack for ${physicalId} does not exist`);
  const member = `<member><StackName>${toolkitName}</StackName></member>`;
  return success('DescribeStackResources', `<StackResources>${member}</StackResources>`);
}

function subscriptionsIn({ subscriptions }: Account): Answer {
  const members = Object.entries(subscriptions).map(
    ([address, arn]) =>
      `<member><Endpoint>${address}</Endpoint><SubscriptionArn>${arn}</SubscriptionArn></member>`,
  );
  return success('ListSubscriptionsByTopic', `<Subscriptions>${members.join('')}</Subscriptions>`);
}

function stack(name: string, status: string, outputs: Record<string, string>): Answer {
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  const parts = `<StackName>${name}</StackName><StackStatus>${status}</StackStatus><Outputs>${members.join('')}</Outputs>`;
  return success('DescribeStacks', `<Stacks><member>${parts}</member></Stacks>`);
}

/** In two pages, as a long list comes. */
function pageOf(resources: Resource[], token: string | null): Answer {
  const middle = Math.ceil(resources.length / 2);
  const page = token === null ? resources.slice(0, middle) : resources.slice(middle);
  const members = page.map(
    ([logicalId, physicalId]) =>
      `<member><LogicalResourceId>${logicalId}</LogicalResourceId><PhysicalResourceId>${physicalId}</PhysicalResourceId></member>`,
  );
  const summaries = `<StackResourceSummaries>${members.join('')}</StackResourceSummaries>`;
  return success('ListStackResources', summaries + (token === null ? '<NextToken>2</NextToken>' : ''));
}

function lambda(path: string, { modelStudio, resources }: Running, account: Account): Answer {
  if (path.startsWith('/2015-03-31/functions/ModelStudioJobs-ApiSubmit')) {
    const jobs = Object.keys(resources).find((id) => id.startsWith('StateJobs')) ?? '';
    const Variables = {
      JOBS_TABLE: resources[jobs],
      MODELSTUDIO_BASE_URL: account.baseUrl ?? modelStudio.baseUrl,
      MODELSTUDIO_ORGANIZATION_ID: account.organizationId,
    };
    return json({ Environment: { Variables } });
  }
  if (path.startsWith('/2015-03-31/event-source-mappings')) {
    const ScalingConfig = { MaximumConcurrency: QUEUE_CONCURRENCY };
    return json({ EventSourceMappings: [{ UUID: 'uuid-1', State: account.consumerState, ScalingConfig }] });
  }
  return json({ AccountLimit: { UnreservedConcurrentExecutions: account.unreservedConcurrency } });
}

function success(action: string, result: string): Answer {
  const body = `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`;
  return { status: 200, type: 'text/xml', body };
}

function failure(code: string, message: string): Answer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status: 400, type: 'text/xml', body: `<ErrorResponse>${error}</ErrorResponse>` };
}
