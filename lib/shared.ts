import type { Bundles } from './bundle.ts';
import type { Settings } from './settings.ts';
import type { State } from './state.ts';

/** What every stage is built upon. */
export interface Shared {
  state: State;
  settings: Settings;
  bundles: Bundles;
  /** Variables that all functions have. */
  environment: Record<string, string>;
}
