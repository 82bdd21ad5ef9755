import type { Stack } from 'aws-cdk-lib';
import type { Settings } from '../settings/settings.ts';
import * as rules from './rules.ts';
import { type Rule, Wiring } from './wiring.ts';

export const RULES: Record<string, Rule> = rules;

/** Stops the synthesis of a stack that breaks a rule: there is no template of it to deploy. */
export function validateStack(stack: Stack, settings: Settings): void {
  const validate = () => {
    const wiring = new Wiring(stack);
    return Object.values(RULES).flatMap((rule) => rule(wiring, settings));
  };
  stack.node.addValidation({ validate });
}
