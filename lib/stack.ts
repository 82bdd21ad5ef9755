import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ModelStudioJobs } from './model-studio-jobs.ts';
import type { AppSettings } from './settings/settings.ts';

/** The stack of the app in bin/, which is nothing but one deployment. */
export class ModelStudioJobsStack extends Stack {
  readonly jobs: ModelStudioJobs;

  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: AppSettings }) {
    super(scope, id, { description: 'ModelStudio jobs: submit, poll, signed webhook', ...props });
    const { stackName: _, ...own } = settings;
    // CDK leaves this id out of all names, so that they are what they would be directly in the stack.
    this.jobs = new ModelStudioJobs(this, 'Default', own);
  }
}
