export { ModelStudioJobs } from './model-studio-jobs.ts';
export { SettingsError } from './settings/environments.ts';
export type { ModelStudioJobsProps } from './settings/props.ts';
export { readSettings } from './settings/read-settings.ts';
export { ModelStudioJobsStack } from './stack.ts';
