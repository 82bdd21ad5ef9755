import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApiKey, createRootSecrets } from '../../functions/edge/secrets.ts';
import { NOW } from './jobs.ts';

const CURRENT = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const PREVIOUS = `whsec_${Buffer.alloc(33, 7).toString('base64')}`;
/** Of 24 bytes. */
const SHORT = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const absent = new ResourceNotFoundException({ message: 'absent', $metadata: {} });

const secretsManager = mockClient(SecretsManagerClient);

/** How often each version was asked for. */
function asked(): Record<string, number> {
  const stages = secretsManager
    .commandCalls(GetSecretValueCommand)
    .map((call) => call.args[0].input.VersionStage ?? 'AWSCURRENT');
  return Object.fromEntries(
    ['AWSCURRENT', 'AWSPREVIOUS'].map((s) => [s, stages.filter((t) => t === s).length]),
  );
}

function store(current: string, previous: string | null) {
  secretsManager.on(GetSecretValueCommand).resolves({ SecretString: current });
  const before = secretsManager.on(GetSecretValueCommand, { VersionStage: 'AWSPREVIOUS' });
  if (previous === null) before.rejects(absent);
  else before.resolves({ SecretString: previous });
}

beforeEach(() => {
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.useFakeTimers({ toFake: ['Date'], now: NOW });
  secretsManager.reset();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

describe("ModelStudio's key", () => {
  it('is read without the line break that an editor left at its end', async () => {
    store('key-1\n', null);
    expect(await createApiKey('arn').get(false)).toBe('key-1');
    expect(secretsManager.call(0).args[0].input).toMatchObject({ SecretId: 'arn' });
  });

  it('is remembered for a quarter of an hour', async () => {
    const key = createApiKey('arn');
    store('key-1', null);
    await key.get(false);
    store('key-2', null);
    vi.setSystemTime(NOW + 899_000);
    expect(await key.get(false)).toBe('key-1');
    vi.setSystemTime(NOW + 901_000);
    expect(await key.get(false)).toBe('key-2');
  });

  it('is read again at once when it was refused, and then remembered', async () => {
    const key = createApiKey('arn');
    store('key-1', null);
    await key.get(false);
    store('key-2', null);
    expect(await key.get(true)).toBe('key-2');
    expect(await key.get(false)).toBe('key-2');
    expect(asked()).toMatchObject({ AWSCURRENT: 2 });
  });

  it('is read once for all who ask at once', async () => {
    const key = createApiKey('arn');
    store('key-1', null);
    expect(await Promise.all([key.get(false), key.get(false)])).toEqual(['key-1', 'key-1']);
    expect(asked()).toMatchObject({ AWSCURRENT: 1 });
  });

  it('is asked for again after it could not be read, which is a fault of ours', async () => {
    const key = createApiKey('arn');
    secretsManager.on(GetSecretValueCommand).rejects(new Error('denied'));
    await expect(key.get(false)).rejects.toThrow('denied');
    store('key-1', null);
    expect(await key.get(false)).toBe('key-1');
  });

  it('is not asked for again because an earlier read fails late', async () => {
    const key = createApiKey('arn');
    const early = Promise.withResolvers<never>();
    secretsManager.on(GetSecretValueCommand).callsFake(() => early.promise);
    const failing = key.get(false);
    store('key-1', null);
    expect(await key.get(true)).toBe('key-1');
    early.reject(new Error('denied'));
    await expect(failing).rejects.toThrow('denied');
    expect(await key.get(false)).toBe('key-1');
    expect(asked()).toMatchObject({ AWSCURRENT: 2 });
  });
});

describe('the live root secrets', () => {
  it.each<[what: string, current: string, previous: string | null, alive: string[]]>([
    ['before the first rotation', CURRENT, null, [CURRENT]],
    ['after a rotation: the current one first', CURRENT, PREVIOUS, [CURRENT, PREVIOUS]],
    ['with line breaks behind them', `${CURRENT}\n`, ` ${PREVIOUS}\n`, [CURRENT, PREVIOUS]],
    ['when the previous one was none', CURRENT, 'placeholder', [CURRENT]],
    ['when the previous one was too short for a root', CURRENT, SHORT, [CURRENT]],
  ])('are returned: %s', async (_what, current, previous, alive) => {
    store(current, previous);
    expect(await createRootSecrets('arn')()).toEqual(alive);
  });

  it.each(['', 'placeholder', SHORT, '{"secret":"x"}'])('are refused when one is "%s"', async (current) => {
    store(current, null);
    await expect(createRootSecrets('arn')()).rejects.toThrow('at least 32 bytes');
  });

  it('are remembered for a minute, as is the absence of a previous one', async () => {
    const secrets = createRootSecrets('arn');
    store(CURRENT, null);
    for (let i = 0; i < 3; i++) await secrets();
    expect(asked()).toEqual({ AWSCURRENT: 1, AWSPREVIOUS: 1 });
  });

  it('are in use five minutes after a rotation at the latest', async () => {
    const secrets = createRootSecrets('arn');
    store(PREVIOUS, null);
    expect(await secrets()).toEqual([PREVIOUS]);
    store(CURRENT, PREVIOUS);
    vi.setSystemTime(NOW + 301_000);
    expect(await secrets()).toEqual([CURRENT, PREVIOUS]);
  });

  it('are unknown when Secrets Manager does not answer, so that no webhook is signed with half of them', async () => {
    store(CURRENT, PREVIOUS);
    secretsManager.on(GetSecretValueCommand, { VersionStage: 'AWSPREVIOUS' }).rejects(new Error('throttled'));
    await expect(createRootSecrets('arn')()).rejects.toThrow('throttled');
  });

  it('are never read as the new one alone, whenever they are rotated and whatever cannot be read', async () => {
    const secrets = createRootSecrets('arn');
    store(PREVIOUS, null);
    secretsManager
      .on(GetSecretValueCommand, { VersionStage: 'AWSCURRENT' })
      .rejectsOnce(new Error('throttled'));
    await expect(secrets()).rejects.toThrow('throttled');
    store(CURRENT, PREVIOUS);
    expect(await secrets()).toEqual([CURRENT, PREVIOUS]);
  });
});
