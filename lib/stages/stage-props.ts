import type { SharedVariables } from '../../functions/core/variables.ts';
import type { Settings } from '../settings/settings.ts';
import type { Storage } from '../storage/storage.ts';
import type { Bundles } from './bundle.ts';

/** What every stage is built upon. */
export interface StageProps {
  storage: Storage;
  settings: Settings;
  bundles: Bundles;
  sharedVariables: SharedVariables;
}
