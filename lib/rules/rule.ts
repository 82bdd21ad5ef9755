import type { Settings } from '../settings/settings.ts';
import type { Resources } from './resources.ts';
import type { Wiring } from './wiring.ts';

/** What a rule checks: a stack that is about to become a template. */
export interface RuleContext {
  resources: Resources;
  wiring: Wiring;
  settings: Settings;
  /** The logical ids of parameters with `NoEcho`. */
  hiddenParameters: string[];
}

/** @returns a sentence for each construct that breaks the rule, with its path; something falsy for one that keeps it */
export type Rule = (context: RuleContext) => (string | false | undefined)[];
