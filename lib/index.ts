export { ModelStudioJobs } from './model-studio-jobs.ts';
export type { ModelStudioJobsProps } from './settings/props.ts';
export { SettingsError } from './settings/settings-error.ts';
