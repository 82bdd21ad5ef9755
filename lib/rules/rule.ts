import type { Settings } from '../settings/settings.ts';
import type { Wiring } from './wiring.ts';

/** @returns a sentence for each construct that breaks the rule, with its path */
export type Rule = (wiring: Wiring, settings: Settings) => string[];
