import { App } from 'aws-cdk-lib';
import { readSettings } from '../lib/settings.ts';
import { ModelStudioJobsStack } from '../lib/stack.ts';

const app = new App();
new ModelStudioJobsStack(app, 'ModelStudioJobs', { settings: readSettings(app) });
