import { describe, expect, it } from 'vitest';
import { formatOf } from '../../functions/core/format.ts';
import {
  DESTINATION_ARN,
  DESTINATION_NAME,
  namesFor,
  outcomeOfError,
} from '../../functions/core/webhook/destination.ts';
import { pendingWebhook, queuedJob, runningJob } from '../cloud/jobs.ts';

describe('an error of a queue or a bus', () => {
  /** As SQS, EventBridge and KMS through them name it: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html */
  it.each<[means: string, names: string[]]>([
    [
      'throttled',
      [
        'RequestThrottled',
        'ThrottlingException',
        'Throttling',
        'KmsThrottled',
        'KMS.ThrottlingException',
        'OverLimit',
        'TooManyRequestsException',
        'RequestLimitExceeded',
        'SlowDown',
      ],
    ],
    ['timeout', ['TimeoutError', 'AbortError', 'RequestTimeout', 'RequestTimeoutException']],
    [
      'gone',
      [
        'QueueDoesNotExist',
        'AWS.SimpleQueueService.NonExistentQueue',
        'QueueDeletedRecently',
        'ResourceNotFoundException',
      ],
    ],
    [
      'denied',
      [
        'AccessDenied',
        'AccessDeniedException',
        'KmsAccessDenied',
        'KMS.AccessDeniedException',
        'KmsDisabled',
        'KmsNotFound',
        'KmsInvalidState',
        'KmsInvalidKeyUsage',
        'KmsOptInRequired',
        'KMS.DisabledException',
        'NotAuthorizedForSourceException',
        'NotAuthorizedForDetailTypeException',
        'InvalidAccountIdException',
        'InvalidAddress',
        'InvalidSecurity',
      ],
    ],
    [
      'refused',
      [
        'InvalidMessageContents',
        'InvalidParameterValue',
        'InvalidParameterValueException',
        'InvalidArgument',
        'MalformedDetail',
        'ValidationException',
        'MissingParameter',
        'UnsupportedOperation',
        'AWS.SimpleQueueService.InvalidMessageContents',
        'AWS.SimpleQueueService.UnsupportedOperation',
        'RedactionFailure',
      ],
    ],
    // A role whose credentials have just expired gets new ones.
    [
      'unavailable',
      [
        'InternalFailure',
        'InternalError',
        'ServiceUnavailable',
        'Error',
        'ExpiredToken',
        'InvalidClientTokenId',
        '',
      ],
    ],
  ])('means %s by its name', (error, names) => {
    const kind = ['throttled', 'timeout', 'unavailable'].includes(error) ? 'failed' : 'blocked';
    const found = names.map((name) => [name, outcomeOfError(name)]);
    expect(found).toEqual(names.map((name) => [name, { kind, error }]));
  });
});

const arn = (rest: string) => `arn:aws:${rest.replace(':', ':eu-central-1:123456789012:')}`;

it.each<[arn: string, isTaken: boolean]>([
  [arn('sqs:orders'), true],
  [arn('sqs:orders.fifo'), true],
  [arn(`sqs:${'q'.repeat(80)}`), true],
  [arn(`sqs:${'q'.repeat(75)}.fifo`), true],
  [arn('events:event-bus/default'), true],
  [arn('events:event-bus/aws.partner/example.com/x'), true],
  ['arn:aws-cn:sqs:cn-north-1:123456789012:orders', true],
  [arn(`sqs:${'q'.repeat(81)}`), false],
  [arn(`sqs:${'q'.repeat(76)}.fifo`), false],
  [arn('sqs:orders.x'), false],
  [arn('sqs:*'), false],
  [arn('sqs:'), false],
  [arn('sns:orders'), false],
  [arn('events:rule/x'), false],
  [arn('events:event-bus/'), false],
  [arn('events:event-bus/*'), false],
  ['arn:aws:sqs::123456789012:orders', false],
  ['https://sqs.eu-central-1.amazonaws.com/123456789012/orders', false],
])('the ARN of a destination: %s', (given, isTaken) => {
  expect(DESTINATION_ARN.test(given)).toBe(isTaken);
});

it.each<[name: string, isTaken: boolean]>([
  ['orders', true],
  ['a', true],
  ['A-b_9', true],
  ['a'.repeat(64), true],
  ['a'.repeat(65), false],
  ['', false],
  ['-a', false],
  ['a.b', false],
  ['a:b', false],
  ['a/b', false],
  ['ä', false],
])('the name of a destination: %s', (name, isTaken) => {
  expect(DESTINATION_NAME.test(name)).toBe(isTaken);
});

it('a client may name those destinations that it stands beside', () => {
  const destinations = [
    { name: 'a', clients: ['x', 'y'] },
    { name: 'b', clients: [] },
    { name: 'c', clients: ['y'] },
  ];
  expect(['x', 'y', 'z'].map((client) => namesFor(client, destinations))).toEqual([['a'], ['a', 'c'], []]);
});

it('the row of a job with a destination has a format of its own, as the release before would take its name for a URL', () => {
  const webhook = pendingWebhook({ url: 'orders', destination: true });
  const rows = [runningJob(), queuedJob(), runningJob({ webhook }), queuedJob({ webhook })];
  expect(rows.map(formatOf)).toEqual([1, 2, 3, 3]);
});
