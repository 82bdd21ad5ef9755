import { CfnParameter, type Stack } from 'aws-cdk-lib';
import type { Settings } from '../settings.ts';
import { managedPolicies, tlsOnly, wildcards } from './access.ts';
import { alarms } from './alarms.ts';
import {
  concurrency,
  deadlines,
  environmentSecrets,
  environmentSize,
  jobRetention,
  leases,
  partialBatches,
  recursiveLoop,
  ruleTargets,
} from './functions.ts';
import {
  deadLetterRetention,
  deadLetters,
  messageRetention,
  queueEncryption,
  receives,
  visibility,
} from './queues.ts';
import { Resources } from './resources.ts';
import {
  bucketEncryption,
  expiration,
  pointInTimeRecovery,
  privateBuckets,
  retained,
  timeToLive,
} from './state.ts';
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

export const SAFETIES: Record<string, Safety> = {
  deadLetters,
  receives,
  messageRetention,
  deadLetterRetention,
  visibility,
  queueEncryption,
  recursiveLoop,
  concurrency,
  partialBatches,
  leases,
  deadlines,
  jobRetention,
  ruleTargets,
  environmentSecrets,
  environmentSize,
  retained,
  pointInTimeRecovery,
  timeToLive,
  expiration,
  privateBuckets,
  bucketEncryption,
  wildcards,
  managedPolicies,
  tlsOnly,
  alarms,
};

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
