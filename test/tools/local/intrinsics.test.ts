import { describe, expect, it } from 'vitest';
import { isTrue, resolveExpression, type Scope } from '../../../tools/local/stack/intrinsics.ts';

const conditions: Record<string, unknown> = {
  InIreland: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'eu-west-1'] },
  InVirginia: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
  Either: { 'Fn::Or': [{ Condition: 'InIreland' }, { Condition: 'InVirginia' }] },
  Both: { 'Fn::And': [{ Condition: 'InIreland' }, { Condition: 'InVirginia' }] },
  NotIreland: { 'Fn::Not': [{ Condition: 'InIreland' }] },
};

const attributes: Record<string, unknown> = { 'Queue.Arn': 'arn:queue', 'Db.Endpoint.Port': 5432 };

const scope: Scope = {
  ref: (name) => ({ 'AWS::Region': 'us-east-1', Queue: 'http://queue', Zones: ['a', 'b'] })[name],
  attribute: (logicalId, name) => attributes[`${logicalId}.${name}`],
  condition: (name) => conditions[name],
  mapping: (map, key, name) => (map === 'Sizes' && key === 'small' && name === 'memory' ? 128 : undefined),
};

const noValue = { Ref: 'AWS::NoValue' };

describe('an expression has the value that CloudFormation gives it', () => {
  it.each<[string, unknown, unknown]>([
    ['a literal', 'text', 'text'],
    ['null', null, null],
    ['a nested object', { a: { b: [1, { Ref: 'Queue' }] } }, { a: { b: [1, 'http://queue'] } }],
    ['Ref', { Ref: 'Queue' }, 'http://queue'],
    ['Ref of a pseudo parameter', { Ref: 'AWS::Region' }, 'us-east-1'],
    ['Ref AWS::NoValue alone', noValue, undefined],
    ['Ref AWS::NoValue as a property', { a: 1, b: noValue }, { a: 1 }],
    ['Ref AWS::NoValue in a list', [1, noValue, 2], [1, 2]],
    ['GetAtt as a list', { 'Fn::GetAtt': ['Queue', 'Arn'] }, 'arn:queue'],
    ['GetAtt as text', { 'Fn::GetAtt': 'Queue.Arn' }, 'arn:queue'],
    ['GetAtt with a dotted attribute', { 'Fn::GetAtt': ['Db', 'Endpoint.Port'] }, 5432],
    ['Join', { 'Fn::Join': ['-', ['a', { Ref: 'AWS::Region' }, 'z']] }, 'a-us-east-1-z'],
    ['Join of a list that is a Ref', { 'Fn::Join': ['+', { Ref: 'Zones' }] }, 'a+b'],
    ['Join of a Split', { 'Fn::Join': ['', { 'Fn::Split': ['-', 'a-b'] }] }, 'ab'],
    ['Split', { 'Fn::Split': [':', 'a:b:c'] }, ['a', 'b', 'c']],
    ['Select', { 'Fn::Select': [1, ['a', 'b']] }, 'b'],
    ['Select of a Split', { 'Fn::Select': ['2', { 'Fn::Split': [':', 'a:b:c'] }] }, 'c'],
    [
      'Sub',
      { 'Fn::Sub': `arn:\${AWS::Region}:\${Queue.Arn}/\${Queue}` },
      'arn:us-east-1:arn:queue/http://queue',
    ],
    [
      'Sub with variables',
      { 'Fn::Sub': [`\${Name} in \${AWS::Region}`, { Name: { Ref: 'Queue' } }] },
      'http://queue in us-east-1',
    ],
    ['Sub with an escape', { 'Fn::Sub': `\${!Literal}` }, `\${Literal}`],
    ['If, true', { 'Fn::If': ['InVirginia', 'yes', { 'Fn::ImportValue': 'unread' }] }, 'yes'],
    ['If, false', { 'Fn::If': ['InIreland', 'yes', 'no'] }, 'no'],
    ['If with AWS::NoValue', { a: { 'Fn::If': ['InIreland', 'yes', noValue] } }, {}],
    ['Base64', { 'Fn::Base64': { Ref: 'AWS::Region' } }, 'dXMtZWFzdC0x'],
    ['FindInMap', { 'Fn::FindInMap': ['Sizes', 'small', 'memory'] }, 128],
    ['an object that only looks like one', { Ref: 'Queue', Other: 1 }, { Ref: 'Queue', Other: 1 }],
  ])('%s', (_name, expression, value) => {
    expect(resolveExpression(expression, scope)).toEqual(value);
  });
});

describe('a condition', () => {
  it.each([
    ['InIreland', false],
    ['InVirginia', true],
    ['Either', true],
    ['Both', false],
    ['NotIreland', true],
  ])('%s has the value %s', (name, value) => {
    expect(isTrue(name, scope)).toBe(value);
  });
});

describe('an expression without a value is named', () => {
  it.each<[unknown, string]>([
    [{ Ref: 'Nobody' }, 'Ref Nobody'],
    [{ 'Fn::GetAtt': ['Queue', 'Colour'] }, 'Fn::GetAtt Queue.Colour'],
    [{ 'Fn::Sub': `\${Nobody}` }, `Fn::Sub \${Nobody}`],
    [{ 'Fn::Select': [5, ['a']] }, 'Fn::Select 5'],
    [{ 'Fn::FindInMap': ['Sizes', 'large', 'memory'] }, 'Fn::FindInMap Sizes.large.memory'],
    [{ 'Fn::If': ['Nowhere', 1, 2] }, 'Condition Nowhere'],
    [{ a: [{ 'Fn::ImportValue': 'x' }] }, 'Fn::ImportValue is not supported'],
    ['{{resolve:ssm:/name}}', '{{resolve:ssm:/name}}'],
    [{ 'Fn::Join': ['', ['{{resolve:', 'secretsmanager:x}}']] }, 'the dynamic reference {{resolve:'],
  ])('%j', (expression, message) => {
    expect(() => resolveExpression(expression, scope)).toThrow(message);
  });
});
