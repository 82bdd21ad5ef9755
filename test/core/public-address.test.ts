import { describe, expect, it } from 'vitest';
import { forbiddenAddresses, isPublicAddress } from '../../functions/core/webhook/public-address.ts';
import { lastLookup, urlCases } from './corpus.ts';

const answered = urlCases.filter((each) => Array.isArray(lastLookup(each)) && lastLookup(each).length > 0);

describe('a host is public or not by the addresses that DNS gives', () => {
  it.each(answered)('$id $dns: $why', (each) => {
    const addresses = lastLookup(each) as string[];
    const isRefused = each.expect === 'block' && each.phase === 'connect';
    expect(addresses.every(isPublicAddress)).toBe(!isRefused);
  });
});

/** Just before, first, last and just after each range that is not the public internet. */
describe('an IPv4 range that is not public ends exactly where it should', () => {
  it.each([
    ['this network', null, '0.0.0.0', '0.255.255.255', '1.0.0.0'],
    ['private', '9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
    ['shared by carriers', '100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
    ['loopback', '126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
    ['WireServer', '168.63.129.15', '168.63.129.16', '168.63.129.16', '168.63.129.17'],
    ['link-local', '169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
    ['private', '172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
    ['protocol assignments', '191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
    ['TEST-NET-1', '192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
    ['AS112', '192.31.195.255', '192.31.196.0', '192.31.196.255', '192.31.197.0'],
    ['AMT', '192.52.192.255', '192.52.193.0', '192.52.193.255', '192.52.194.0'],
    ['6to4 relays', '192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
    ['private', '192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
    ['AS112', '192.175.47.255', '192.175.48.0', '192.175.48.255', '192.175.49.0'],
    ['benchmarks', '198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
    ['TEST-NET-2', '198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
    ['TEST-NET-3', '203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
    ['multicast', '223.255.255.255', '224.0.0.0', '239.255.255.255', null],
    ['reserved', null, '240.0.0.0', '255.255.255.254', null],
    ['broadcast', null, '255.255.255.255', '255.255.255.255', null],
  ])('%s %s < %s – %s < %s', (_what, before, first, last, after) => {
    expect([first, last].map(isPublicAddress)).toEqual([false, false]);
    for (const neighbour of [before, after]) if (neighbour) expect(isPublicAddress(neighbour)).toBe(true);
  });
});

describe('IPv6 is public inside 2000::/3 alone, and not everywhere in it', () => {
  it.each([
    ['all below', null, '::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2000::'],
    ['all above', '3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '4000::', 'ffff:ffff:ffff:ffff::', null],
    ['protocol assignments', '2000:ffff:ffff:ffff::', '2001::', '2001:1ff:ffff:ffff::', '2001:200::'],
    ['documentation', '2001:db7:ffff:ffff::', '2001:db8::', '2001:db8:ffff:ffff::', '2001:db9::'],
    ['6to4', '2001:ffff:ffff:ffff::', '2002::', '2002:ffff:ffff:ffff::', '2003::'],
    ['AS112', '2620:4f:7fff:ffff::', '2620:4f:8000::', '2620:4f:8000:ffff::', '2620:4f:8001::'],
    ['documentation', '3ffe:ffff:ffff:ffff::', '3fff::', '3fff:fff:ffff:ffff::', '3fff:1000::'],
  ])('%s %s < %s – %s < %s', (_what, before, first, last, after) => {
    expect([first, last].map(isPublicAddress)).toEqual([false, false]);
    for (const neighbour of [before, after]) if (neighbour) expect(isPublicAddress(neighbour)).toBe(true);
  });

  it.each([
    ['loopback', '::1'],
    ['loopback, uncompressed', '0:0:0:0:0:0:0:1'],
    ['unspecified', '::'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['unique local', 'fd00:ec2::254'],
    ['multicast', 'ff02::1'],
    ['discard-only', '100::1'],
    ['segment routing', '5f00::1'],
    ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
    ['IPv4-mapped private', '::ffff:10.0.0.1'],
    ['IPv4-mapped in hex', '::ffff:a9fe:a9fe'],
    ['IPv4-mapped in upper case', '::FFFF:A9FE:A9FE'],
    ['IPv4-mapped with a zone', '::ffff:10.0.0.1%1'],
    ['IPv4-translated', '::ffff:0:10.0.0.1'],
    ['IPv4-compatible', '::10.0.0.1'],
    ['IPv4-compatible public', '::93.184.216.34'],
    ['NAT64 private', '64:ff9b::10.0.0.1'],
    ['NAT64 public', '64:ff9b::93.184.216.34'],
    ['local NAT64', '64:ff9b:1::a00:1'],
    ['6to4 private', '2002:a00:1::1'],
    ['6to4 public', '2002:5db8:d822::1'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['next to the mapped block', '::fffe:ffff:ffff'],
    ['behind the mapped block', '::1:0:0:0'],
  ])('%s %s is not public', (_what, address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('an ordinary address is public', () => {
  it.each(['1.1.1.1', '8.8.8.8', '93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8'])(
    '%s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe('a text that is not an address is not public', () => {
  it.each(['', ' ', 'example.com', '1.1.1', '0x8080808', '256.1.1.1', '[2606::1]', '8.8.8.8:443', '%eth0'])(
    '"%s"',
    (text) => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );
});

it('sockets check the same list before they connect', () => {
  expect(forbiddenAddresses.check('10.0.0.1', 'ipv4')).toBe(true);
  expect(forbiddenAddresses.check('::ffff:10.0.0.1', 'ipv6')).toBe(true);
  expect(forbiddenAddresses.check('8.8.8.8', 'ipv4')).toBe(false);
  expect(forbiddenAddresses.check('2606:4700::1111', 'ipv6')).toBe(false);
});
