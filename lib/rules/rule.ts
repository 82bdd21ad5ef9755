import type { Settings } from '../settings/settings.ts';
import type { Resources } from './resources.ts';
import type { Wiring } from './wiring.ts';

/** What a rule judges: a stack on its way into a template. */
export interface RuleContext {
  resources: Resources;
  wiring: Wiring;
  settings: Settings;
  /** The logical ids of parameters that CloudFormation shows to nobody. */
  hiddenParameters: string[];
}

/** @returns a sentence for each construct that breaks the rule, with its path */
export type Rule = (context: RuleContext) => string[];
