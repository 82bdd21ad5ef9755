import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IBucket } from 'aws-cdk-lib/aws-s3';

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

export type ObjectAction = 'GetObject' | 'PutObject' | 'DeleteObject';

export function toObjects(bucket: IBucket, folders: string[], action: ObjectAction): Permission {
  return {
    actions: [`s3:${action}`],
    resourceArns: folders.map((folder) => bucket.arnForObjects(`${folder}/*`)),
  };
}
