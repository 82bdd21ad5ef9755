import { type ClientKey, newClientKey, recordOfKey, SCOPES } from '../core/http/client-key.ts';
import type { Clock } from '../ports.ts';

/** What CloudFormation says of a key that a deployment makes for a client, once or several times. */
export interface KeyEvent {
  RequestType: 'Create' | 'Update' | 'Delete';
  /** The same whenever the same event is delivered. */
  RequestId: string;
  /** What was answered before; CloudFormation makes something up when there was no answer. */
  PhysicalResourceId?: string;
  ResourceProperties: { SecretArn: string; Client: string };
}

export interface KeysWorld {
  secrets: {
    /** Empty when there is no such secret, or none any longer. */
    read(arn: string): Promise<string>;
    /** Of all that is written for one event, only the first. */
    write(arn: string, value: string, eventId: string): Promise<void>;
  };
  keys: {
    /** Unless there is one of that hash. */
    insert(record: ClientKey): Promise<void>;
    /** If there is one of that hash which is not revoked yet. */
    revoke(sha256: string, now: number): Promise<void>;
  };
  clock: Clock;
  /** 48 bytes. */
  newRandom(): Uint8Array;
}

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Has a secret hold a client key that is known by its hash, or revokes it. What was done before, by an event that was
 * delivered twice or by one that died, is found and not done again. A key that was revoked stays so.
 * @returns the hash, by which CloudFormation knows the key
 */
export async function keepKey(event: KeyEvent, world: KeysWorld): Promise<string> {
  const { RequestType, RequestId, PhysicalResourceId = '', ResourceProperties } = event;
  const { SecretArn, Client } = ResourceProperties;
  const { secrets, keys, clock } = world;
  const recordIn = (text: string) => recordOfKey(text, Client, [...SCOPES], clock.now());
  let record = recordIn(await secrets.read(SecretArn));
  if (RequestType === 'Delete') {
    // So that no event that is late makes it valid.
    if (record) await keys.insert(record);
    const sha256 = SHA256.test(PhysicalResourceId) ? PhysicalResourceId : record?.sha256;
    if (sha256 !== undefined) await keys.revoke(sha256, clock.now());
    return PhysicalResourceId;
  }
  if (!record) {
    const { key } = newClientKey(Client, [...SCOPES], world.newRandom(), clock.now());
    await secrets.write(SecretArn, key, RequestId);
    record = recordIn(await secrets.read(SecretArn));
    if (!record) throw new Error('The secret does not hold the key that was written');
  }
  await keys.insert(record);
  return record.sha256;
}
