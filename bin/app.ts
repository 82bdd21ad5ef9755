import { App, Errors } from 'aws-cdk-lib';
import { readSettings, SettingsError } from '../lib/settings/read-settings.ts';
import { ModelStudioJobsStack } from '../lib/stack.ts';

const app = new App({ autoSynth: false });
try {
  const settings = readSettings(app.node.getAllContext());
  new ModelStudioJobsStack(app, settings.stackName, { settings });
  app.synth();
} catch (error) {
  // What they say is enough; anything else is a fault of this program's.
  if (!(error instanceof SettingsError) && !Errors.isConstructError(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
