import { App } from 'aws-cdk-lib';
import { ModelStudioJobsStack, readSettings } from 'modelstudio-jobs';

const app = new App();
// They are in cdk.json, under "context", where npm start and the operator's commands find them, too.
const settings = readSettings(app.node.getAllContext());
new ModelStudioJobsStack(app, settings.stackName, { settings });
