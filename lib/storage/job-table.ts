import { ArnFormat, Stack } from 'aws-cdk-lib';
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

/** Everything that the functions do with a table and its indexes. */
const CALLS = ['GET_ITEM', 'BATCH_GET_ITEM', 'QUERY', 'PUT_ITEM', 'UPDATE_ITEM', 'DELETE_ITEM'] as const;

interface RestorableProps extends dynamodb.TableProps {
  /** The table that is used instead of this one, which stays as it is. */
  restored: string | undefined;
}

/** A table of the stack's own, unless an operator has restored it under another name. */
export class RestorableTable extends dynamodb.Table {
  readonly restored: string | undefined;

  constructor(scope: Construct, id: string, { restored, ...props }: RestorableProps) {
    super(scope, id, props);
    this.restored = restored;
  }

  override get tableName(): string {
    return this.restored ?? super.tableName;
  }

  override get tableArn(): string {
    if (this.restored === undefined) return super.tableArn;
    const arn = { service: 'dynamodb', resource: 'table', resourceName: this.restored };
    return Stack.of(this).formatArn({ ...arn, arnFormat: ArnFormat.SLASH_RESOURCE_NAME });
  }
}

/** A table that every job is written to, until `ttl`. */
export class JobTable extends RestorableTable {
  constructor(scope: Construct, id: string, props: RestorableProps) {
    super(scope, id, { ...props, timeToLiveAttribute: 'ttl' });
  }

  /** Requests that DynamoDB has throttled. */
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

  addIndex(indexName: string, keys: [dynamodb.Attribute, dynamodb.Attribute]): void {
    const [partitionKey, sortKey] = keys;
    const projectionType = dynamodb.ProjectionType.KEYS_ONLY;
    this.addGlobalSecondaryIndex({ indexName, partitionKey, sortKey, projectionType });
  }
}
