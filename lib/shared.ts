import type { SharedVariables } from '../functions/core/variables.ts';
import type { Bundles } from './bundle.ts';
import type { Settings } from './settings.ts';
import type { State } from './state.ts';

/** What every stage is built upon. */
export interface Shared {
  state: State;
  settings: Settings;
  bundles: Bundles;
  environment: SharedVariables;
}
