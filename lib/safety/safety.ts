import { CfnParameter, type Stack } from 'aws-cdk-lib';
import type { Settings } from '../settings.ts';
import * as access from './access.ts';
import * as alarms from './alarms.ts';
import * as functions from './functions.ts';
import * as queues from './queues.ts';
import { Resources } from './resources.ts';
import * as state from './state.ts';
import { Wiring } from './wiring.ts';

/** What a safety judges: a stack on its way into a template. */
export interface Judged {
  resources: Resources;
  wiring: Wiring;
  settings: Settings;
  /** The logical ids of parameters that CloudFormation shows to nobody. */
  hiddenParameters: string[];
}

/** @returns a sentence for each construct that is unsafe, with its path */
export type Safety = (judged: Judged) => string[];

/** Whatever these files export is one. */
export const SAFETIES: Record<string, Safety> = { ...queues, ...functions, ...state, ...access, ...alarms };

/** Stops the synthesis of a stack that lacks a safety: there is no template of it to deploy. */
export function refuseUnsafe(stack: Stack, settings: Settings): void {
  const validate = () => {
    const resources = new Resources(stack);
    const hiddenParameters = stack.node
      .findAll()
      .filter((construct) => construct instanceof CfnParameter && construct.noEcho)
      .map((parameter) => (parameter as CfnParameter).logicalId)
      .map((id) => stack.resolve(id) as string);
    const judged = { resources, wiring: new Wiring(resources), settings, hiddenParameters };
    return Object.values(SAFETIES).flatMap((safety) => safety(judged));
  };
  stack.node.addValidation({ validate });
}
