import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';

/** Allows exactly these actions on exactly these resources. */
export interface Permission {
  actions: string[];
  resourceArns: string[];
}

export function grant(grantee: IGrantable, { actions, resourceArns }: Permission): void {
  Grant.addToPrincipal({ grantee, actions, resourceArns });
}

type RowAction = 'GetItem' | 'BatchGetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem';

export function toRows({ tableArn }: ITable, ...actions: RowAction[]): Permission {
  return { actions: actions.map((action) => `dynamodb:${action}`), resourceArns: [tableArn] };
}

export function toQuery({ tableArn }: ITable, index: string): Permission {
  return { actions: ['dynamodb:Query'], resourceArns: [`${tableArn}/index/${index}`] };
}
