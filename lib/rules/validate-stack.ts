import type { Stack } from 'aws-cdk-lib';
import type { Settings } from '../settings/settings.ts';
import * as alarms from './alarms.ts';
import * as environment from './environment.ts';
import * as functions from './functions.ts';
import * as queues from './queues.ts';
import * as storage from './storage.ts';
import * as timeouts from './timeouts.ts';
import { type Rule, Wiring } from './wiring.ts';

/** All that these files export are rules: what the functions rely on and no general rule set could know. */
export const RULES: Record<string, Rule> = {
  ...queues,
  ...functions,
  ...timeouts,
  ...environment,
  ...storage,
  ...alarms,
};

/** Stops the synthesis of a stack that breaks a rule: there is no template of it to deploy. */
export function validateStack(stack: Stack, settings: Settings): void {
  const validate = () => {
    const wiring = new Wiring(stack);
    return Object.values(RULES).flatMap((rule) => rule(wiring, settings));
  };
  stack.node.addValidation({ validate });
}
