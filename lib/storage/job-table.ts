import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

export interface Units {
  read: number;
  write: number;
}

/** Everything that the functions do with a table and its indexes. */
const CALLS = ['GET_ITEM', 'BATCH_GET_ITEM', 'QUERY', 'PUT_ITEM', 'UPDATE_ITEM', 'DELETE_ITEM'] as const;

/** The share of the provisioned capacity that auto scaling keeps in use; a burst can also use five unused minutes. */
const USED_PERCENT = 80;
/** It follows a load this many times lower or higher than the setting. */
const SCALE = 4;

export interface JobTableProps extends dynamodb.TableProps {
  unitsPerJob: Units;
  /** The capacity for the steady load, if there is one. */
  jobsPerSecond: number | undefined;
}

/** A table that every job is written to, until `ttl`. Provisioned for a steady load, it is cheaper than on demand. */
export class JobTable extends dynamodb.Table {
  readonly #jobsPerSecond: number | undefined;

  constructor(scope: Construct, id: string, props: JobTableProps) {
    const { unitsPerJob, jobsPerSecond, ...tableProps } = props;
    const capacity = jobsPerSecond && provisioned(unitsPerJob, jobsPerSecond);
    const billing = capacity && { ...capacity, billingMode: dynamodb.BillingMode.PROVISIONED };
    super(scope, id, { ...tableProps, timeToLiveAttribute: 'ttl', ...billing });
    this.#jobsPerSecond = jobsPerSecond;
    if (!capacity) return;
    scale(this.autoScaleReadCapacity(range(capacity.readCapacity)));
    scale(this.autoScaleWriteCapacity(range(capacity.writeCapacity)));
  }

  /** Requests that DynamoDB has throttled because they exceeded the provisioned capacity. */
  metricRefusals(label = 'requests refused'): MathExpression {
    // Labeled with the table's name, as a graph may show several.
    const id = this.node.id.toLowerCase();
    const expression = `SUM(FILL(METRICS("${id}"), 0))`;
    const calls = CALLS.map((call) => [
      id + call,
      this.metricThrottledRequestsForOperation(dynamodb.Operation[call]),
    ]);
    return new MathExpression({ expression, usingMetrics: Object.fromEntries(calls), label });
  }

  addIndex(indexName: string, keys: [dynamodb.Attribute, dynamodb.Attribute], unitsPerJob: Units): void {
    const [partitionKey, sortKey] = keys;
    const capacity = this.#jobsPerSecond && provisioned(unitsPerJob, this.#jobsPerSecond);
    const projectionType = dynamodb.ProjectionType.KEYS_ONLY;
    this.addGlobalSecondaryIndex({ indexName, partitionKey, sortKey, projectionType, ...capacity });
    if (!capacity) return;
    scale(this.autoScaleGlobalSecondaryIndexReadCapacity(indexName, range(capacity.readCapacity)));
    scale(this.autoScaleGlobalSecondaryIndexWriteCapacity(indexName, range(capacity.writeCapacity)));
  }
}

function provisioned({ read, write }: Units, jobsPerSecond: number) {
  const capacity = (perJob: number) => Math.ceil((perJob * jobsPerSecond * 100) / USED_PERCENT);
  return { readCapacity: capacity(read), writeCapacity: capacity(write) };
}

function range(capacity: number) {
  return { minCapacity: Math.ceil(capacity / SCALE), maxCapacity: capacity * SCALE };
}

function scale(attribute: dynamodb.IScalableTableAttribute): void {
  attribute.scaleOnUtilization({ targetUtilizationPercent: USED_PERCENT });
}
