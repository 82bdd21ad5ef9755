import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import { Construct } from 'constructs';
import { DETAIL, FINISHING } from './finishing.ts';
import { NOT_ANNOUNCED } from './monitoring/alarms.ts';
import type { Monitoring } from './monitoring/monitoring.ts';
import type { RestorableTable } from './storage/job-table.ts';

const SOURCE = 'modelstudio-jobs';
const DETAIL_TYPE = 'Job finished';

type Props = { jobs: RestorableTable; monitoring: Monitoring; name: string };

/** Puts an event of each finished job onto the default bus, out of the table's stream: no function has to. */
export class FinishedJobs extends Construct {
  readonly #name: string;

  constructor(scope: Construct, id: string, { jobs, monitoring, name }: Props) {
    super(scope, id);
    this.#name = name;
    if (jobs.restored) throw new Error('The setting restoredTables cannot name Jobs beside onFinished.');
    const table = jobs.node.defaultChild as CfnTable;
    table.streamSpecification = { streamViewType: 'NEW_AND_OLD_IMAGES' };
    const { eventBusArn } = EventBus.fromEventBusName(this, 'Bus', 'default');
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('pipes.amazonaws.com') });
    const reading = ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'];
    const grants = [
      Grant.addToPrincipal({
        grantee: role,
        actions: reading.map((action) => `dynamodb:${action}`),
        resourceArns: [table.attrStreamArn],
      }),
      Grant.addToPrincipal({ grantee: role, actions: ['events:PutEvents'], resourceArns: [eventBusArn] }),
    ];
    const told = Object.entries(DETAIL).map(([field, at]) => `"${field}": <$.dynamodb.NewImage.${at}>`);
    const pipe = new CfnPipe(this, 'Pipe', {
      roleArn: role.roleArn,
      source: table.attrStreamArn,
      sourceParameters: {
        filterCriteria: { filters: [{ pattern: JSON.stringify(FINISHING) }] },
        dynamoDbStreamParameters: {
          // The stream begins when it is first asked for, so that no job that ends from then on is missed.
          startingPosition: 'TRIM_HORIZON',
          onPartialBatchItemFailure: 'AUTOMATIC_BISECT',
        },
      },
      target: eventBusArn,
      targetParameters: {
        eventBridgeEventBusParameters: { source: SOURCE, detailType: DETAIL_TYPE },
        inputTemplate: `{"deployment": "${name}", ${told.join(', ')}}`,
      },
    });
    for (const grant of grants) grant.applyBefore(pipe);
    const failures = new Metric({
      namespace: 'AWS/EventBridge/Pipes',
      metricName: 'ExecutionFailed',
      dimensionsMap: { PipeName: pipe.ref },
      statistic: 'Sum',
    });
    monitoring.addAlarm(NOT_ANNOUNCED, failures);
  }

  addRule(id: string, targets: IRuleTarget[]): Rule {
    return new Rule(this, `Rule:${id}`, {
      description: `Finished jobs of ${this.#name}`,
      eventPattern: { source: [SOURCE], detailType: [DETAIL_TYPE], detail: { deployment: [this.#name] } },
      targets,
    });
  }
}
