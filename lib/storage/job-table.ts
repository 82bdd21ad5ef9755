import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

/** Everything that the functions do with a table and its indexes. */
const CALLS = ['GET_ITEM', 'BATCH_GET_ITEM', 'QUERY', 'PUT_ITEM', 'UPDATE_ITEM', 'DELETE_ITEM'] as const;

/** A table that every job is written to, until `ttl`. */
export class JobTable extends dynamodb.Table {
  constructor(scope: Construct, id: string, props: dynamodb.TableProps) {
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
