import { LONGEST_JOB_SECONDS } from '../../functions/core/limits.ts';
import type { Queue, Rule } from './wiring.ts';

/** AWS recommends at least this many receives. */
const RECEIVES_MIN = 5;
const RECEIVES_MAX = 100;

export const receives: Rule = ({ queues }) =>
  queues.flatMap(({ path, properties: { RedrivePolicy } }) => {
    const { maxReceiveCount: count = 0 } = RedrivePolicy ?? {};
    if (!RedrivePolicy || (count >= RECEIVES_MIN && count <= RECEIVES_MAX)) return [];
    return `${path} sets a message aside after ${count} receives (maxReceiveCount): it must be ${RECEIVES_MIN} to ${RECEIVES_MAX}.`;
  });

export const messageRetention: Rule = ({ queues }) =>
  queues.flatMap(({ path, properties: { MessageRetentionPeriod: kept } }) => {
    if (kept >= LONGEST_JOB_SECONDS) return [];
    return `${path} keeps messages for ${kept} s, shorter than the longest job lives (${LONGEST_JOB_SECONDS} s).`;
  });

/** CloudFormation names a queue by its stack and its logical id. */
export const destinations: Rule = ({ queues }, { destinations, stackName }) =>
  destinations.flatMap(({ name, arn }) => {
    const own = queues.find(({ logicalId }) => arn.split(':')[5]?.startsWith(`${stackName}-${logicalId}-`));
    return own ? `The destination ${name} is ${own.path}, a queue of the stack's own.` : [];
  });

/** A message keeps its age when it moves to the dead-letter queue. */
export const deadLetterRetention: Rule = (wiring) =>
  wiring.queues.flatMap(({ path, properties: { RedrivePolicy, MessageRetentionPeriod: kept } }) => {
    const aside = wiring.behind<Queue>(RedrivePolicy?.deadLetterTargetArn);
    if (!aside || aside.properties.MessageRetentionPeriod > kept) return [];
    return `${aside.path} must keep messages longer than ${path}: they count from when they were sent.`;
  });
