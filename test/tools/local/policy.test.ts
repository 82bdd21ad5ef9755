import { describe, expect, it } from 'vitest';
import {
  isAboutRoles,
  judge,
  type Statement,
  unknownConditions,
  type Verdict,
} from '../../../tools/local/stack/aws/policy.ts';

const ROLE = 'arn:aws:iam::000000000000:role/sender';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:orders';
const ask = {
  principal: ROLE,
  action: 'sqs:SendMessage',
  resource: QUEUE,
  context: { 'aws:SecureTransport': 'true', 's3:prefix': 'a/b' },
};

const allow = (more: Partial<Statement> = {}): Statement => ({
  Effect: 'Allow',
  Action: 'sqs:SendMessage',
  Resource: QUEUE,
  ...more,
});
const deny = (more: Partial<Statement> = {}): Statement => ({ ...allow(more), Effect: 'Deny' });
const when = (operator: string, keys: Record<string, string | boolean | string[]>) =>
  allow({ Condition: { [operator]: keys } });
const without = (member: keyof Statement, statement: Statement) => {
  const { [member]: _, ...others } = statement;
  return others as Statement;
};

describe('a call is', () => {
  it.each<[Verdict, string, Statement[]]>([
    ['not allowed', 'when nobody says anything', []],
    ['allowed', 'by its name', [allow()]],
    ['allowed', 'whatever the case of the action', [allow({ Action: 'SQS:sendmessage' })]],
    ['not allowed', 'by another action', [allow({ Action: 'sqs:SendMessages' })]],
    ['not allowed', 'by a part of the action', [allow({ Action: 'sqs:Send' })]],
    ['allowed', 'by one of several actions', [allow({ Action: ['sqs:DeleteMessage', 'sqs:SendMessage'] })]],
    ['allowed', 'by a wildcard in the action', [allow({ Action: 'sqs:Send*' })]],
    ['allowed', 'by a wildcard for one character', [allow({ Action: 'sqs:SendMessag?' })]],
    [
      'not allowed',
      'by a wildcard for a character that is not there',
      [allow({ Action: 'sqs:SendMessage?' })],
    ],
    ['allowed', 'by a wildcard for all actions', [allow({ Action: '*' })]],
    ['not allowed', 'by another resource', [allow({ Resource: `${QUEUE}2` })]],
    ['not allowed', 'by a resource of another case', [allow({ Resource: QUEUE.toUpperCase() })]],
    ['allowed', 'by a wildcard in the resource', [allow({ Resource: 'arn:aws:sqs:*:orders' })]],
    [
      'not allowed',
      'by a resource whose dot is another character',
      [allow({ Resource: QUEUE.replace('aws', 'a.s') })],
    ],
    ['allowed', 'by one of several resources', [allow({ Resource: ['x', '*'] })]],
    [
      'allowed',
      'by an action that is not left out',
      [without('Action', allow({ NotAction: 'sqs:Delete*' }))],
    ],
    [
      'not allowed',
      'by an action that is left out',
      [without('Action', allow({ NotAction: ['sqs:Send*'] }))],
    ],
    ['allowed', 'by a resource that is not left out', [without('Resource', allow({ NotResource: 'x' }))]],
    ['not allowed', 'by a resource that is left out', [without('Resource', allow({ NotResource: QUEUE }))]],
    ['denied', 'by a Deny after an Allow', [allow(), deny()]],
    ['denied', 'by a Deny before an Allow', [deny(), allow()]],
    ['denied', 'by a Deny alone', [deny()]],
    ['allowed', 'despite a Deny of something else', [allow(), deny({ Action: 'sqs:DeleteMessage' })]],
    ['allowed', 'by a policy of the resource for everybody', [allow({ Principal: '*' })]],
    ['allowed', 'by a policy of the resource for the role', [allow({ Principal: { AWS: ['x', ROLE] } })]],
    ['not allowed', 'by a policy of the resource for another', [allow({ Principal: { AWS: `${ROLE}2` } })]],
    ['denied', 'by a policy of the resource', [allow(), deny({ Principal: { AWS: '*' } })]],
    ['allowed', 'on a condition that holds', [when('Bool', { 'aws:SecureTransport': true })]],
    ['not allowed', 'on a condition that does not', [when('Bool', { 'aws:SecureTransport': 'false' })]],
    ['allowed', 'on one of several values', [when('StringEquals', { 's3:prefix': ['x', 'a/b'] })]],
    ['not allowed', 'on a literal asterisk', [when('StringEquals', { 's3:prefix': 'a/*' })]],
    ['allowed', 'on a pattern', [when('StringLike', { 's3:prefix': 'a/*' })]],
    ['not allowed', 'on what it must not be', [when('StringNotLike', { 's3:prefix': 'a/*' })]],
    ['allowed', 'on what it is not', [when('StringNotEquals', { 's3:prefix': 'a' })]],
    ['not allowed', 'on a key without a value', [when('ArnLike', { 'aws:SourceArn': '*' })]],
    [
      'allowed',
      'on a key without a value, if it need not have one',
      [when('ArnLikeIfExists', { 'aws:SourceArn': 'x' })],
    ],
    ['allowed', 'on what a key without a value is not', [when('ArnNotEquals', { 'aws:SourceArn': 'x' })]],
    [
      'not allowed',
      'on two conditions of which one holds',
      [when('StringLike', { 's3:prefix': '*', 'aws:SecureTransport': 'x' })],
    ],
  ])('%s %s', (verdict, _name, statements) => {
    expect(judge(statements, ask)).toBe(verdict);
  });
});

it.each<[boolean, Statement['Principal']]>([
  [true, '*'],
  [true, { AWS: ROLE }],
  [true, undefined],
  [false, { Service: 'events.amazonaws.com' }],
])('whether a principal means roles: %s for %j', (expected, Principal) => {
  expect(isAboutRoles(Principal === undefined ? allow() : allow({ Principal }))).toBe(expected);
});

it.each([
  [when('NumericLessThan', { 's3:prefix': '1' }), ['NumericLessThan']],
  [when('ForAllValues:StringEquals', { 's3:prefix': '1' }), ['ForAllValues:StringEquals']],
  [when('StringEquals', { 'dynamodb:LeadingKeys': '1' }), ['dynamodb:LeadingKeys']],
  [when('StringEqualsIfExists', { 's3:prefix': '1' }), []],
  [allow(), []],
])('%j has the unknown conditions %j', (statement, unknown) => {
  expect(unknownConditions(statement, ['s3:prefix'])).toEqual(unknown);
});
