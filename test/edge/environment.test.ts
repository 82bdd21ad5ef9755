import { afterEach, describe, expect, it, vi } from 'vitest';
import { apiUrl, number, numbers, optional, required, webhookRules } from '../../functions/edge/settings.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a variable', () => {
  it('is read if it is required and set', () => {
    vi.stubEnv('BUCKET', 'b');
    expect(required('BUCKET')).toBe('b');
  });

  it.each([undefined, ''])('is refused if it is required and %j', (value) => {
    vi.stubEnv('BUCKET', value);
    expect(() => required('BUCKET')).toThrow('The environment variable BUCKET is not set');
  });

  it.each([
    [undefined, null],
    ['', null],
    ['b', 'b'],
  ])('may be optional, and %j gives %j', (value, expected) => {
    vi.stubEnv('BUCKET', value);
    expect(optional('BUCKET')).toBe(expected);
  });

  it.each([
    ['0', 0],
    ['30', 30],
    ['0.5', 0.5],
    ['2.75', 2.75],
    ['1e3', 1000],
  ])('may be a number, whole or not, and %j gives %d', (value, expected) => {
    vi.stubEnv('BUCKET', value);
    expect(number('BUCKET')).toBe(expected);
  });

  it.each(['x', '5m', '1,5', '0.5.1'])('is refused as a number if it is %j', (value) => {
    vi.stubEnv('BUCKET', value);
    expect(() => number('BUCKET')).toThrow('The environment variable BUCKET must be a number');
  });

  it.each<[value: string | undefined, list: number[]]>([
    [undefined, []],
    ['', []],
    ['0', [0]],
    ['0,5,300', [0, 5, 300]],
    ['0.5,2.75', [0.5, 2.75]],
    [' 0 , 0.5 ', [0, 0.5]],
    ['8443,', [8443]],
  ])('may be a list of numbers, and %j gives %j', (value, list) => {
    vi.stubEnv('BUCKET', value);
    expect(numbers('BUCKET')).toEqual(list);
  });

  it.each(['x', '1,x', '1;2', '5m'])('is refused as a list of numbers if it is %j', (value) => {
    vi.stubEnv('BUCKET', value);
    expect(() => numbers('BUCKET')).toThrow('The environment variable BUCKET must be a list of numbers');
  });
});

describe('the settings', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    [
      'https://abc.execute-api.eu-west-1.amazonaws.com/prod//',
      'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
    ],
  ])('give a base of our own URLs without a slash at its end: %s', (value, url) => {
    vi.stubEnv('API_URL', value);
    expect(apiUrl()).toBe(url);
  });

  it.each([
    [undefined, false],
    ['', false],
    ['false', false],
    ['1', false],
    ['true', true],
  ])('allow webhooks to loopback for "true" alone: %j', (value, loopback) => {
    vi.stubEnv('API_URL', 'https://API.example.com:8443/x');
    vi.stubEnv('WEBHOOK_PORTS', '8443');
    vi.stubEnv('WEBHOOK_ALLOW_LOOPBACK', value);
    expect(webhookRules()).toEqual({ ports: [8443], ownHost: 'api.example.com', loopback });
  });
});
