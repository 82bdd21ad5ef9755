/** What a deployment allows in addition to `https` on port 443 of a public host. */
export interface WebhookRules {
  /** Ports in addition to 443. */
  ports: readonly number[];
  /** Our own API's host, as a webhook to ourselves would be a loop. Null if it is not known. */
  ownHost: string | null;
  /** On a laptop: allows receivers on loopback, over http, on any port. */
  loopback: boolean;
}

const URL_MAX_LENGTH = 2048;
const HOST_MAX_LENGTH = 253;
const LOOPBACK_TOO = 'or with http:// and this very machine, such as http://127.0.0.1:3000/';
const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** Names that never mean a public host: RFC 6761, 6762, 7686, 8375, 9476 and what routers and clouds use. */
const PRIVATE_SUFFIX =
  /^(localhost|local|localdomain|internal|intranet|private|corp|home|lan|arpa|test|invalid|example|onion|alt)$/;

/**
 * The fault of a webhook URL by its text alone. That is checked before it is parsed, as WHATWG's parser repairs what an attacker
 * wrote on purpose: it strips tabs and newlines, turns `\` into `/`, maps `①②⑦` to `127`.
 */
export function faultInWebhookUrl(raw: string, rules: WebhookRules): string | null {
  if (rules.loopback && isLoopbackUrl(raw)) return null;
  const rawFault = faultInRawText(raw);
  if (rawFault) return /^http:/i.test(raw) && rules.loopback ? `${rawFault}; ${LOOPBACK_TOO}` : rawFault;
  if (!URL.canParse(raw)) return 'Must be a valid URL';
  const url = new URL(raw);
  if (url.username !== '' || url.password !== '') return 'Must not contain a user name or password';
  const port = url.port === '' ? 443 : Number(url.port);
  if (port !== 443 && !rules.ports.includes(port)) return `Must not use port ${port}`;
  return faultInHost(url.hostname, rules);
}

function faultInRawText(raw: string): string | null {
  if (raw.length > URL_MAX_LENGTH) return `Must be at most ${URL_MAX_LENGTH} characters`;
  if (/[\p{C}\p{Z}\\]/u.test(raw)) return 'Must not contain spaces, control characters or backslashes';
  const authority = /^https:\/\/([^/?#]+)/i.exec(raw)?.[1];
  if (authority === undefined) return 'Must start with https:// and a host name';
  if (authority.includes('@')) return 'Must not contain a user name or password';
  if (authority.startsWith('[')) return 'Must have a plain DNS name as its host, not an IP address';
  // The authority must be plain ASCII: no raw IDN, no percent-encoding.
  const host = authority.replace(/:.*/, '');
  const port = authority.slice(host.length);
  if (/[^ -~]/.test(host)) return 'Must have a plain DNS name as its host (use punycode)';
  if (!/^[a-z0-9.-]+$/i.test(host))
    return 'Must have a plain DNS name as its host: letters, digits, hyphens and dots, no underscore';
  if (!/^(:\d{1,5})?$/.test(port)) return 'Must have a number of at most five digits as its port, or none';
  if (/#.*@/.test(raw)) return 'Must not contain "@" in its fragment';
  return null;
}

function faultInHost(hostname: string, rules: WebhookRules): string | null {
  // One dot at the end only says that the name is complete.
  const host = hostname.toLowerCase().replace(/\.$/, '');
  if (host === rules.ownHost) return "Must not be this service's own address";
  const labels = host.split('.');
  const isDnsName =
    host.length <= HOST_MAX_LENGTH && labels.length >= 2 && labels.every((l) => LABEL.test(l));
  if (!isDnsName) return 'Must have a full DNS name as its host';
  const topLevel = labels.at(-1) ?? '';
  if (/^\d|^0x/.test(topLevel)) return 'Must have a DNS name as its host, not an IP address';
  if (PRIVATE_SUFFIX.test(topLevel)) return 'Must have a public host';
  return null;
}

/** Whether a URL names this very machine explicitly and over http, which is allowed on a laptop only. */
export function isLoopbackUrl(raw: string): boolean {
  const isPlain = /^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?([/?#][!-~]*)?$/.test(raw);
  return isPlain && raw.length <= URL_MAX_LENGTH && URL.canParse(raw);
}
