import { BlockList, isIP } from 'node:net';

/** IPv4 that is not the public internet. https://www.iana.org/assignments/iana-ipv4-special-registry */
const SPECIAL_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32', // Azure's WireServer: a public number with a private meaning
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3', // multicast, reserved, broadcast
];

/** Inside 2000::/3, the only part of IPv6 in public use. https://www.iana.org/assignments/iana-ipv6-special-registry */
const SPECIAL_V6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

/** The defense against SSRF: every address that a webhook must not be sent to, as a socket checks before it connects. */
export const forbiddenAddresses = buildBlockList();

/** Whether an address that DNS gave is on the public internet. False for anything that is not an address. */
export function isPublicAddress(address: string): boolean {
  const withoutZone = address.split('%')[0] ?? '';
  const family = isIP(withoutZone);
  return family !== 0 && !forbiddenAddresses.check(withoutZone, family === 4 ? 'ipv4' : 'ipv6');
}

function buildBlockList(): BlockList {
  const list = new BlockList();
  for (const cidr of [...SPECIAL_V4, '4000::/2', '8000::/1', ...SPECIAL_V6]) {
    const [network = '', prefix] = cidr.split('/');
    list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  // All of ::/3 but ::ffff:0:0/96, the IPv4-mapped addresses. A rule that covered those would match every IPv4 address,
  // because a block list compares them in their mapped form.
  list.addRange('::', '::fffe:ffff:ffff', 'ipv6');
  list.addRange('::1:0:0:0', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ipv6');
  return list;
}
