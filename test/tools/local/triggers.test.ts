import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { LambdaFunction } from '../../../tools/local/stack/lambda.ts';
import { StackModel } from '../../../tools/local/stack/model.ts';
import type { Template } from '../../../tools/local/stack/template.ts';
import { Triggers } from '../../../tools/local/stack/triggers.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** When a rule's event comes to a function that always fails, in seconds after it fired. */
async function callsOf(MaximumRetryAttempts?: number): Promise<number[]> {
  const Target = { Arn: { 'Fn::GetAtt': ['Sweep', 'Arn'] }, Input: '{}' };
  const config = { FunctionName: { Ref: 'Sweep' }, MaximumRetryAttempts };
  const template: Template = {
    Resources: {
      Sweep: { Type: 'AWS::Lambda::Function' },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: { ScheduleExpression: 'rate(1 hour)', Targets: [Target] },
      },
      ...(MaximumRetryAttempts !== undefined && {
        Config: { Type: 'AWS::Lambda::EventInvokeConfig', Properties: config },
      }),
    },
  };
  const assetDirectory = () => '';
  const stack = { name: 'Stack', template, constructPaths: {}, assetDirectory };
  const model = new StackModel(stack, { stackName: 'Stack', apiUrl: '', sqsEndpoint: '' });
  const calls: number[] = [];
  const firedAt = Date.now();
  const invoke = () => {
    calls.push((Date.now() - firedAt) / 1000);
    return Promise.reject(new Error('It fails'));
  };
  const sweep = { settings: { name: 'Stack-Sweep' }, invoke } as unknown as LambdaFunction;
  new Triggers(model, { Sweep: sweep }).schedules().schedules[0]?.fire();
  await vi.advanceTimersByTimeAsync(3_500_000);
  return calls;
}

it.each([
  ['as often as Lambda does by itself', undefined, [0, 60, 180]],
  ['once', 1, [0, 60]],
  ['never, where the function is set so', 0, [0]],
])('an event of a schedule that fails is repeated %s', async (_what, attempts, seconds) => {
  expect(await callsOf(attempts)).toEqual(seconds);
});
