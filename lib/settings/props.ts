import type { Settings } from './settings.ts';

export type ModelStudioJobsProps = Partial<Settings>;
