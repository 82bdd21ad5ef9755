import type { Construct } from 'constructs';
import type { Settings } from '../settings/settings.ts';
import * as rules from './rules.ts';
import { type Rule, Wiring } from './wiring.ts';

export const RULES: Record<string, Rule> = rules;

/** Stops the synthesis of a deployment that breaks a rule: there is no template of it. What is beside it may do as it likes. */
export function validateDeployment(deployment: Construct, settings: Settings): void {
  const validate = () => {
    const wiring = new Wiring(deployment);
    return Object.values(RULES).flatMap((rule) => rule(wiring, settings));
  };
  deployment.node.addValidation({ validate });
}
