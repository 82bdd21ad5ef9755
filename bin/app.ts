import { App, Errors } from 'aws-cdk-lib';
import { SettingsError } from '../lib/settings/environments.ts';
import { readSettings } from '../lib/settings/read-settings.ts';
import { ModelStudioJobsStack } from '../lib/stack.ts';

const app = new App({ autoSynth: false });
try {
  const settings = readSettings(app.node.getAllContext());
  new ModelStudioJobsStack(app, settings.stackName, { settings });
  app.synth();
} catch (error) {
  // The sentences of these are enough; any other error is a bug of this program.
  if (!(error instanceof SettingsError) && !Errors.isConstructError(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
