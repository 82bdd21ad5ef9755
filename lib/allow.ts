import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';

/** Exactly these actions on exactly these resources. */
export function allow(grantee: IGrantable, actions: string[], ...resourceArns: string[]): void {
  Grant.addToPrincipal({ grantee, actions, resourceArns });
}
