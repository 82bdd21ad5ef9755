import { describe, expect, it } from 'vitest';
import { faultInWebhookUrl, isLoopbackUrl } from '../../functions/core/webhook/webhook-url.ts';
import { OWN_HOST, urlCases } from './corpus.ts';

const strict = { ports: [], ownHost: OWN_HOST, loopback: false };
const onLaptop = { ...strict, loopback: true };
/** A host of so many characters, in labels of 50 and one that is what is left. */
const host = (length: number) =>
  `https://${'a'.repeat(length - 216)}${`.${'b'.repeat(50)}`.repeat(4)}.example.com/`;
const path = (length: number) => `https://hooks.example.com/${'a'.repeat(length - 26)}`;

const refused = urlCases.filter(({ phase }) => phase === 'submit');
const fineAsText = urlCases.filter(({ phase }) => phase !== 'submit');

describe('a webhook URL, judged by its text,', () => {
  it.each(refused)('is refused: $id, $why', ({ url }) => {
    expect(faultInWebhookUrl(url, strict)).toMatch(/^Must /);
  });

  it.each(refused.filter(({ url }) => !isLoopbackUrl(url)))('is refused on a laptop, too: $id', ({ url }) => {
    expect(faultInWebhookUrl(url, onLaptop)).toMatch(/^Must /);
  });

  it('may have one trailing dot', () => {
    expect(faultInWebhookUrl('https://hooks.example.com./h', strict)).toBeNull();
  });

  it.each(fineAsText)('is accepted, whatever DNS says later: $id, $why', ({ url }) => {
    expect(faultInWebhookUrl(url, strict)).toBeNull();
  });
});

describe('a faulty webhook URL is answered with its own sentence', () => {
  it.each([
    ['not a URL', '', /start with https/],
    ['no host', 'https://', /start with https/],
    ['no host but a path', 'https:///h', /start with https/],
    ['another scheme', 'ftp://hooks.example.com/', /start with https/],
    ['another scheme before it', 'http://a.example.com/https://b.example.com/', /start/],
    ['one character too long', path(2049), /at most 2048/],
    ['a tab that a parser would drop', 'https://hooks.example.com/\th', /control characters/],
    ['a line break at the end', 'https://hooks.example.com/\n', /control characters/],
    ['a no-break space', 'https://hooks.example.com/\u00a0', /spaces/],
    ['a zero-width joiner', 'https://hooks\u200d.example.com/', /control characters/],
    ['a lone surrogate', 'https://hooks.example.com/\ud800', /control characters/],
    ['a backslash', 'https://hooks.example.com\\h', /backslashes/],
    ['a user and a password', 'https://u:p@hooks.example.com/', /user name/],
    ['an empty user', 'https://@hooks.example.com/', /user name/],
    ['a raw IDN', 'https://bücher.example.com/', /punycode/],
    ['an underscore', 'https://my_hooks.example.com/', /plain DNS name as its host: letters.*no underscore$/],
    ['a host in percent-encoding', 'https://hooks%2eexample.com/', /plain DNS name as its host: letters/],
    ['an empty port', 'https://hooks.example.com:/', /number .* as its port/],
    ['a port with a sign', 'https://hooks.example.com:+443/', /number .* as its port/],
    ['a port of six digits', 'https://hooks.example.com:000443/', /number .* as its port/],
    ['two ports', 'https://hooks.example.com:443:443/', /number .* as its port/],
    ['another port', 'https://hooks.example.com:444/', /port 444/],
    ['a port that does not exist', 'https://hooks.example.com:99999/', /valid URL/],
    ['an IP address', 'https://8.8.8.8/', /not an IP address/],
    ['an IPv6 address', 'https://[2606:4700::1111]/', /not an IP address/],
    ['a host that is too long', host(254), /full DNS name/],
    ['one label', 'https://hooks/', /full DNS name/],
    ['two trailing dots', 'https://hooks.example.com../', /full DNS name/],
    ['a dot alone', 'https://./', /full DNS name/],
    ['a private suffix and a trailing dot', 'https://db.internal./', /public host/],
    ['ourselves with a trailing dot', `https://${OWN_HOST}./v1/jobs`, /own address/],
    ['an empty label', 'https://hooks..example.com/', /full DNS name/],
    ['a label that starts with a hyphen', 'https://-hooks.example.com/', /full DNS name/],
    ['a label that ends with a hyphen', 'https://hooks-.example.com/', /full DNS name/],
    ['a private suffix', 'https://db.corp/', /public host/],
    ['a private suffix in upper case', 'https://DB.INTERNAL/', /public host/],
    ['ourselves', `https://${OWN_HOST}/v1/jobs`, /own address/],
    ['ourselves in upper case', `https://${OWN_HOST.toUpperCase()}/`, /own address/],
  ])('when it has this fault: %s', (_what, url, sentence) => {
    expect(faultInWebhookUrl(url, strict)).toMatch(sentence);
  });
});

it.each([
  ['http://192.168.1.5:3000/', onLaptop, /^Must start with https:.*; or .*http:\/\/127\.0\.0\.1:3000\/$/],
  ['http://localhost.example.com:3000/', onLaptop, /; or /],
  ['http://127.0.0.1:3000/', strict, /^Must start with https:\/\/ and a host name$/],
  ['ftp://127.0.0.1/', onLaptop, /^Must start with https:\/\/ and a host name$/],
  ['ftp://127.0.0.1/http://', onLaptop, /^Must start with https:\/\/ and a host name$/],
])('%s is answered with a mention of loopback only where that is allowed', (url, rules, sentence) => {
  expect(faultInWebhookUrl(url, rules)).toMatch(sentence);
});

describe('a name under a domain that is never public is refused', () => {
  it.each([
    ['localhost', 'RFC 6761'],
    ['invalid', 'RFC 6761'],
    ['test', 'RFC 6761'],
    ['example', 'RFC 6761'],
    ['local', 'RFC 6762: multicast DNS'],
    ['onion', 'RFC 7686: Tor'],
    ['home.arpa', 'RFC 8375'],
    ['in-addr.arpa', 'RFC 3172: infrastructure'],
    ['alt', 'RFC 9476: not DNS at all'],
    ['internal', 'reserved by ICANN; clouds'],
    ['corp', 'never delegated, as it is in use inside'],
    ['home', 'never delegated, as it is in use inside'],
    ['localdomain', 'Linux'],
    ['lan', 'routers'],
    ['intranet', 'RFC 6762, appendix G'],
    ['private', 'RFC 6762, appendix G'],
  ])('.%s: %s', (suffix) => {
    expect(faultInWebhookUrl(`https://hooks.${suffix}/`, strict)).toBe('Must have a public host');
  });
});

describe('a valid webhook URL is accepted', () => {
  it.each([
    ['the longest URL', path(2048)],
    ['upper case', 'HTTPS://HOOKS.EXAMPLE.COM/H'],
    ['a query', 'https://hooks.example.com/?a=b&c=%20'],
    ['a query without a path', 'https://hooks.example.com?a=b'],
    ['an @ in the path', 'https://hooks.example.com/@me'],
    ['an escaped slash', 'https://hooks.example.com/a%2Fb'],
    ['the longest host', host(253)],
    ['the longest label', `https://${'a'.repeat(63)}.example.com/`],
    ['a private word that is not the suffix', 'https://internal.example.com/'],
    ['a suffix that only ends like a private one', 'https://hooks.notlocal/'],
    ['an IDN suffix with a digit inside', 'https://hooks.xn--p1ai/'],
    ['a suffix with 0x inside', 'https://hooks.a0x/'],
    ['a host under ours', `https://x.${OWN_HOST}/`],
  ])('when it has %s', (_what, url) => {
    expect(faultInWebhookUrl(url, strict)).toBeNull();
  });

  it('when it has a port that the deployment allows in addition to 443', () => {
    const rules = { ...strict, ports: [8443] };
    const faultAt = (port: number) => faultInWebhookUrl(`https://hooks.example.com:${port}/`, rules);
    expect([faultAt(8443), faultAt(443), faultAt(8444)]).toEqual([null, null, 'Must not use port 8444']);
  });
});

describe('a URL of this very machine is allowed on a laptop, by these spellings alone', () => {
  it.each([
    ['http://127.0.0.1:3000/h', true],
    ['http://127.255.0.9/', true],
    ['http://localhost:8080/', true],
    ['http://localhost', true],
    ['http://localhost?a=b#c', true],
    ['http://[::1]:3000/', true],
    ['https://127.0.0.1/h', false],
    ['http://user@localhost/', false],
    ['http://localhost\\@10.0.0.1/', false],
    ['http://localhost/\n', false],
    ['http://127.1/', false],
    ['http://2130706433/', false],
    ['http://127.0.0.999/', false],
    ['http://localhost.example.com/', false],
    ['http://127.0.0.1.example.com/', false],
    ['http://10.0.0.1/', false],
    ['http://169.254.169.254/', false],
    ['http://0.0.0.0/', false],
    ['http://[::]/', false],
    ['http://[::ffff:10.0.0.1]/', false],
    ['ftp://localhost/', false],
    ['localhost', false],
    ['https://10.0.0.1/?http://localhost/', false],
    [`http://localhost/${'a'.repeat(2031)}`, true],
    [`http://localhost/${'a'.repeat(2032)}`, false],
  ])('%s: %s', (url, isLoopback) => {
    expect(isLoopbackUrl(url)).toBe(isLoopback);
    expect(faultInWebhookUrl(url, onLaptop) === null).toBe(isLoopback);
    expect(faultInWebhookUrl(url, strict)).not.toBeNull();
  });
});
