export { ModelStudioJobs } from './model-studio-jobs.ts';
export type { ModelStudioJobsProps } from './settings/props.ts';
export { readSettings } from './settings/read-settings.ts';
export { SettingsError } from './settings/settings-error.ts';
export { ModelStudioJobsStack } from './stack.ts';
