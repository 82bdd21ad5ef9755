import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { SignatureV4 } from '@smithy/signature-v4';
import { answered, CliError } from './error-message.ts';

const DEADLINE_MILLIS = 10_000;
const LOOK_EVERY_MILLIS = 500;
const ROWS_MAX = 10_000;

type Row = Record<string, string>;

interface Insights {
  DescribeQueryDefinitions: { queryDefinitions?: { queryString: string; logGroupNames: string[] }[] };
  StartQuery: { queryId?: string };
  GetQueryResults: { status?: string; results?: { field: string; value: string }[][] };
}

/**
 * Asks CloudWatch Logs Insights what a query that was saved with a stack finds.
 * @param client of the same account and region: the SDK's client of the logs would be one more package
 * @throws a CliError when there is no such query, or it fails
 */
export async function runSavedQuery(client: LambdaClient, name: string, since: Date): Promise<Row[]> {
  const ask = await asker(client);
  const found = await ask('DescribeQueryDefinitions', { queryDefinitionNamePrefix: name });
  const [saved] = answered(found.queryDefinitions);
  if (!saved) throw new CliError(`There is no saved query ${name}: deploy this version first.`);
  const { queryId } = await ask('StartQuery', {
    ...{ queryString: saved.queryString, logGroupNames: saved.logGroupNames, limit: ROWS_MAX },
    startTime: Math.floor(since.getTime() / 1000),
    endTime: Math.ceil(Date.now() / 1000),
  });
  for (;;) {
    const { status, results = [] } = await ask('GetQueryResults', { queryId });
    if (status === 'Complete')
      return results.map((row) => Object.fromEntries(row.map(({ field, value }) => [field, value])));
    if (status !== 'Running' && status !== 'Scheduled')
      throw new CliError(`The query did not come to its end: ${status ?? 'no reason given'}.`);
    await sleep(LOOK_EVERY_MILLIS);
  }
}

async function asker(client: LambdaClient) {
  const { credentials } = client.config;
  const region = await client.config.region();
  const signer = new SignatureV4({ service: 'logs', region, credentials, sha256: Sha256 });
  const url = new URL(
    process.env['AWS_ENDPOINT_URL_CLOUDWATCH_LOGS'] ||
      process.env['AWS_ENDPOINT_URL'] ||
      `https://logs.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`,
  );
  return async <Name extends keyof Insights>(operation: Name, input: object): Promise<Insights[Name]> => {
    const { protocol, host, hostname, port } = url;
    const request = await signer.sign({
      ...{ method: 'POST', protocol, hostname, port: Number(port) || undefined, path: '/', query: {} },
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Logs_20140328.${operation}`,
      },
      body: JSON.stringify(input),
    });
    const { headers, body } = request;
    const signal = AbortSignal.timeout(DEADLINE_MILLIS);
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    const answer = answered((await response.json().catch(() => undefined)) as object | undefined);
    if (response.ok) return answer as Insights[Name];
    const { __type = '', message } = answer as { __type?: string; message?: string };
    throw Object.assign(new Error(message ?? `Status ${response.status}`), {
      name: __type.split('#').at(-1),
    });
  };
}

/** As the signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = ArrayBuffer.isView(secret)
      ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
      : secret;
    this.#hash =
      key === undefined
        ? createHash('sha256')
        : createHmac('sha256', typeof key === 'string' ? key : Buffer.from(key as ArrayBuffer));
  }

  update(chunk: string | Uint8Array): void {
    this.#hash.update(chunk);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    throw new Error('Each text has a hash of its own');
  }
}
