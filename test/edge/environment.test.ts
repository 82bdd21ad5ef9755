import { afterEach, describe, expect, it, vi } from 'vitest';
import { numbers, optional, required } from '../../functions/edge/environment.ts';
import { apiUrl, webhookRules } from '../../functions/edge/settings.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a variable', () => {
  it('that is required is there', () => {
    vi.stubEnv('BUCKET', 'b');
    expect(required('BUCKET')).toBe('b');
  });

  it.each([undefined, ''])('that is required cannot be %j', (value) => {
    vi.stubEnv('BUCKET', value);
    expect(() => required('BUCKET')).toThrow('The environment variable BUCKET is not set');
  });

  it.each([
    [undefined, null],
    ['', null],
    ['b', 'b'],
  ])('that is optional: %j is %j', (value, expected) => {
    vi.stubEnv('BUCKET', value);
    expect(optional('BUCKET')).toBe(expected);
  });

  it.each<[value: string | undefined, list: number[]]>([
    [undefined, []],
    ['', []],
    ['0', [0]],
    ['0,5,300', [0, 5, 300]],
    [' 0 , 0.5 ', [0, 0.5]],
    ['8443,', [8443]],
  ])('that is a list of numbers: %j is %j', (value, list) => {
    vi.stubEnv('BUCKET', value);
    expect(numbers('BUCKET')).toEqual(list);
  });

  it.each(['x', '1,x', '1;2', '5m'])('that is a list of numbers cannot be %j', (value) => {
    vi.stubEnv('BUCKET', value);
    expect(() => numbers('BUCKET')).toThrow('The environment variable BUCKET must be a list of numbers');
  });
});

describe('settings', () => {
  it.each([
    ['https://api.example.com', 'https://api.example.com'],
    ['https://api.example.com/', 'https://api.example.com'],
    [
      'https://abc.execute-api.eu-west-1.amazonaws.com/prod//',
      'https://abc.execute-api.eu-west-1.amazonaws.com/prod',
    ],
  ])('the base of our URLs has no slash at its end: %s', (value, url) => {
    vi.stubEnv('API_URL', value);
    expect(apiUrl()).toBe(url);
  });

  it.each([
    [undefined, false],
    ['', false],
    ['false', false],
    ['1', false],
    ['true', true],
  ])('webhooks to loopback are allowed by nothing but the word: %j', (value, loopback) => {
    vi.stubEnv('API_URL', 'https://API.example.com:8443/x');
    vi.stubEnv('WEBHOOK_PORTS', '8443');
    vi.stubEnv('WEBHOOK_ALLOW_LOOPBACK', value);
    expect(webhookRules()).toEqual({ ports: [8443], ownHost: 'api.example.com', loopback });
  });
});
