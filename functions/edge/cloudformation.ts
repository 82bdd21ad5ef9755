import { redacted } from '../core/redact.ts';
import type { KeyEvent } from '../keys/keep-key.ts';
import { logger } from './log.ts';
import { sleep } from './system.ts';

/** With the pauses between them, for as long as IAM may take to let a function do what it was just allowed. */
const TRIES = 10;
const PAUSE_MILLIS = 5000;

/** What CloudFormation sends to a custom resource, and where it waits for the answer. */
export type CustomResourceEvent = KeyEvent & {
  ResponseURL: string;
  StackId: string;
  LogicalResourceId: string;
};

/** Answers CloudFormation in any case. What dies, Lambda calls again: `handle`, which gives the physical id, then does the same. */
export function customResource(
  handle: (event: CustomResourceEvent) => Promise<string>,
  pauseMillis = PAUSE_MILLIS,
) {
  async function outcomeOf(event: CustomResourceEvent, tries = TRIES): Promise<object> {
    try {
      return { Status: 'SUCCESS', PhysicalResourceId: await handle(event) };
    } catch (error) {
      const { name, message } = error as Error;
      const Reason = redacted(`${name}: ${message}`);
      logger.warn('custom resource failed', { cause: Reason });
      if (tries === 1)
        return { Status: 'FAILED', Reason, PhysicalResourceId: event.PhysicalResourceId ?? 'none' };
      await sleep(pauseMillis);
      return outcomeOf(event, tries - 1);
    }
  }

  return async (event: CustomResourceEvent): Promise<void> => {
    const { StackId, RequestId, LogicalResourceId } = event;
    const Data = { SecretArn: event.ResourceProperties.SecretArn };
    const answer = { ...(await outcomeOf(event)), StackId, RequestId, LogicalResourceId, Data };
    const sent = { method: 'PUT', body: JSON.stringify(answer), headers: { 'content-type': '' } };
    const response = await fetch(event.ResponseURL, sent);
    if (!response.ok) throw new Error(`CloudFormation's address for answers says ${response.status}`);
  };
}
