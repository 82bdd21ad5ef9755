import { Token } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { Destination } from '../../functions/core/webhook/destination.ts';

/** For `Grant.addToPrincipal`: CDK's own `grantReadWrite` and the like would allow more than a stage needs. */
export interface Permission {
  actions: string[];
  resourceArns: string[];
}

type RowAction = 'GetItem' | 'BatchGetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem';

export function toRows({ tableArn }: ITable, ...actions: RowAction[]): Permission {
  return { actions: actions.map((action) => `dynamodb:${action}`), resourceArns: [tableArn] };
}

export function toQuery({ tableArn }: ITable, index: string): Permission {
  return { actions: ['dynamodb:Query'], resourceArns: [`${tableArn}/index/${index}`] };
}

/**
 * PutEvents says success for a bus that does not exist, so it is looked at before. Of a token, which has a value when it is
 * deployed, both are permitted: one of them means nothing.
 */
export function toDestinations(destinations: readonly Destination[]): Permission[] {
  const arnsOf = (service: string) =>
    destinations
      .map(({ arn }) => arn)
      .filter((arn) => Token.isUnresolved(arn) || arn.split(':')[2] === service);
  const permissions = [
    { actions: ['sqs:SendMessage'], resourceArns: arnsOf('sqs') },
    { actions: ['events:PutEvents', 'events:DescribeEventBus'], resourceArns: arnsOf('events') },
  ];
  return permissions.filter(({ resourceArns }) => resourceArns.length > 0);
}
