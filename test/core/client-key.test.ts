import { describe, expect, it } from 'vitest';
import { keyInAuthorization } from '../../functions/core/http/client-key.ts';
import { sha256Hex } from '../../functions/core/ids.ts';

const KEY = `msj_abc123_${'S'.repeat(43)}`;

describe('keyInAuthorization', () => {
  it.each<[what: string, header: string | undefined, key: string | null]>([
    ['a key', `Bearer ${KEY}`, KEY],
    ['the scheme in lower case', `bearer ${KEY}`, KEY],
    ['the scheme in upper case', `BEARER ${KEY}`, KEY],
    ['more than one space', `Bearer   ${KEY}`, KEY],
    ['every character of a secret', 'Bearer msj_a_aZ09-_aZ09-_aZ09', 'msj_a_aZ09-_aZ09-_aZ09'],
    ['the longest secret', `Bearer msj_a_${'s'.repeat(128)}`, `msj_a_${'s'.repeat(128)}`],

    ['no header', undefined, null],
    ['an empty header', '', null],
    ['no scheme', KEY, null],
    ['no key', 'Bearer ', null],
    ['no space', `Bearer${KEY}`, null],
    ['a tab', `Bearer\t${KEY}`, null],
    ['another scheme', `Basic ${KEY}`, null],
    ['something in front', ` Bearer ${KEY}`, null],
    ['something behind', `Bearer ${KEY} `, null],
    ['two keys', `Bearer ${KEY}, Bearer ${KEY}`, null],
    ['another prefix', 'Bearer sk_abc123_SSSSSSSSSSSSSSSS', null],
    ['the prefix in upper case', `Bearer ${KEY.replace('msj', 'MSJ')}`, null],
    ['no id', `Bearer msj__${'s'.repeat(43)}`, null],
    ['a secret that is too short', 'Bearer msj_abc123_short', null],
    ['a secret that is too long', `Bearer msj_a_${'s'.repeat(129)}`, null],
    ['another character', `Bearer ${KEY}+`, null],
    ['a line break', `Bearer ${KEY}\n`, null],
    ['a hash of a key', `Bearer ${sha256Hex(KEY)}`, null],
    ['a megabyte', `Bearer msj_a_${'s'.repeat(1_000_000)}`, null],
  ])('finds the key in the Authorization header, if there is one: %s', (_what, header, key) => {
    expect(keyInAuthorization(header)).toBe(key);
  });
});
