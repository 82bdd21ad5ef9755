import type { Event } from './types.ts';
import { misread } from './webhook-body.ts';

/** Why a webhook is refused. Those about the secret, and about how the body was read, are faults of the receiver. */
export type Refusal =
  | 'body_missing'
  | 'body_parsed'
  | 'body_rewritten'
  | 'body_misread'
  | 'header_missing'
  | 'secret_missing'
  | 'secret_malformed'
  | 'signature_malformed'
  | 'version_unknown'
  | 'signature_mismatch'
  | 'timestamp_malformed'
  | 'clock_behind'
  | 'too_old'
  | 'not_an_event';

export class WebhookError extends Error {
  override readonly name = 'WebhookError';
  readonly reason: Refusal;

  constructor(reason: Refusal, sentence: string) {
    super(sentence);
    this.reason = reason;
  }
}

export interface VerifyOptions {
  /** How far the time of the signature may be from `now`. Default 300 seconds. */
  toleranceSeconds?: number;
  /** Default: the clock. */
  now?: Date;
}

type Headers = Pick<globalThis.Headers, 'get'> | Record<string, string | readonly string[] | undefined>;

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const TOLERANCE_SECONDS = 300;
/** A repeated header arrives joined by commas. */
const SIGNATURE = /(?:^|[\s,])(v\d\w*),([^\s,]+)/g;
/** Of HMAC with SHA-256. */
const SIGNATURE_BYTES = 32;

/**
 * Verifies a webhook.
 * @param body as it came: the text or the bytes, not parsed
 * @param headers of the request: a `Headers`, or an object with names in any case
 * @param secrets the client's `whsec_…`; several while it is being changed
 * @returns the event
 * @throws a `WebhookError` whose `reason` and message say why it is refused
 */
export async function verifyWebhook(
  body: string | Uint8Array | ArrayBuffer,
  headers: Headers,
  secrets: string | readonly string[],
  { toleranceSeconds = TOLERANCE_SECONDS, now = new Date() }: VerifyOptions = {},
): Promise<Event> {
  const keys = await keysOf(typeof secrets === 'string' ? [secrets] : secrets);
  const bytes = bytesOf(body);
  const [id, timestamp, list] = ['id', 'timestamp', 'signature'].map((name) =>
    headerOf(headers, `webhook-${name}`),
  );
  const signatures = signaturesIn(list as string);
  const isSigned = async (candidate: Uint8Array) => {
    const content = joined(new TextEncoder().encode(`${id}.${timestamp}.`), candidate);
    // Each key once, however many signatures a stranger has listed: the body may be large.
    const digests = await Promise.all(keys.map((key) => crypto.subtle.sign('HMAC', key, content)));
    return digests.some((digest) => signatures.some((each) => isEqual(new Uint8Array(digest), each)));
  };
  if (!(await isSigned(bytes))) throw await mismatch(bytes, keys.length, isSigned);
  checkTime(Number(timestamp), now, toleranceSeconds);
  return eventIn(bytes);
}

async function mismatch(
  bytes: Uint8Array,
  count: number,
  isSigned: (candidate: Uint8Array) => Promise<boolean>,
) {
  const found = await misread(bytes, isSigned);
  if (found) return new WebhookError(...found);
  const which = count === 1 ? 'the secret' : `any of the ${count} secrets`;
  return new WebhookError(
    'signature_mismatch',
    `The signature was not made with ${which}: it was made with another secret, such as that of another client or of a ` +
      'deployment before, or the body, the webhook-id or the webhook-timestamp were altered on the way',
  );
}

async function keysOf(secrets: readonly string[]): Promise<Key[]> {
  const listed = Array.isArray(secrets) && secrets.length > 0 ? secrets : [secrets];
  const name = (place: number) =>
    listed.length > 1 ? `Secret ${place + 1} of ${listed.length}` : 'The secret';
  return Promise.all(listed.map((secret, place) => keyOf(secret, name(place))));
}

async function keyOf(secret: unknown, name: string): Promise<Key> {
  if (!secret || typeof secret === 'object')
    throw new WebhookError('secret_missing', `${name} is missing: is the variable set that it is read from?`);
  const [, text = ''] = /^whsec_([\w+/-]+=*)$/.exec(String(secret).trim()) ?? [];
  const bytes = fromBase64(text);
  if (bytes && bytes.length > 0)
    return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const what = String(secret).startsWith('msj_') ? 'is a client key' : 'is not whsec_ and base64';
  throw new WebhookError(
    'secret_malformed',
    `${name} ${what}: take it as it was shown with the client key, whsec_ included and without quotes`,
  );
}

/** Test runners and sandboxes have constructors of their own, so that `instanceof` says nothing here. */
function bytesOf(body: unknown): Uint8Array<ArrayBuffer> {
  const isObject = typeof body === 'object' && body !== null;
  if (typeof body === 'string' || (isObject && 'byteLength' in body)) {
    const bytes =
      typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body as ArrayBuffer);
    if (bytes.length > 0) return bytes;
  }
  if (!isObject || 'byteLength' in body)
    throw new WebhookError(
      'body_missing',
      'The body is empty: something has read it before, or it was not awaited',
    );
  const what = 'then' in body ? 'a promise: await it' : 'an object: it was parsed before';
  throw new WebhookError(
    'body_parsed',
    `The body is ${what}. The signature is over the text as it came: take await request.text(), or in Express ` +
      "express.raw({ type: 'application/json' }) for this route, before any express.json()",
  );
}

function headerOf(headers: Headers, name: string): string {
  const value = typeof headers?.get === 'function' ? headers.get(name) : entryOf(headers as object, name);
  if (typeof value === 'string' && value !== '') return value;
  if (Array.isArray(value) && value.length > 0) return value.join(' ');
  throw new WebhookError(
    'header_missing',
    `The header ${name} is missing: this is no webhook of modelstudio-jobs, or something on the way has removed it`,
  );
}

function entryOf(headers: object, name: string): unknown {
  return Object.entries(headers ?? {}).find(([each]) => each.toLowerCase() === name)?.[1];
}

function signaturesIn(list: string): Uint8Array<ArrayBuffer>[] {
  const all = [...list.matchAll(SIGNATURE)].map(([, version, text = '']) => ({
    version,
    bytes: fromBase64(text),
  }));
  const known = all.filter(({ version }) => version === 'v1');
  const readable = known.flatMap(({ bytes }) => (bytes?.length === SIGNATURE_BYTES ? bytes : []));
  if (readable.length > 0) return readable;
  if (all.length > 0 && known.length === 0)
    throw new WebhookError(
      'version_unknown',
      `The webhook-signature is ${all[0]?.version}, and only v1 is known here`,
    );
  throw new WebhookError(
    'signature_malformed',
    'The webhook-signature is not v1, and base64: it was cut or rewritten',
  );
}

/** Only of a signature that is right can a time be trusted to be its own. */
function checkTime(timestamp: number, now: Date, toleranceSeconds: number): void {
  if (!(toleranceSeconds >= 0)) throw new TypeError('toleranceSeconds must be a number of seconds');
  const ageSeconds = Math.floor(now.getTime() / 1000) - timestamp;
  if (Number.isNaN(ageSeconds))
    throw new WebhookError(
      'timestamp_malformed',
      'The webhook-timestamp is not a number of seconds since 1970',
    );
  if (ageSeconds > toleranceSeconds)
    throw new WebhookError(
      'too_old',
      `The webhook was signed ${spoken(ageSeconds)} ago: it was held up or sent again by somebody else, or the clock ` +
        `here is ${spoken(ageSeconds)} fast`,
    );
  if (ageSeconds < -toleranceSeconds)
    throw new WebhookError(
      'clock_behind',
      `The webhook was signed ${spoken(-ageSeconds)} from now: the clock here is ${spoken(-ageSeconds)} slow`,
    );
}

function spoken(seconds: number): string {
  const [amount, unit] = seconds < 7200 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour'];
  const whole = Math.round(amount);
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
}

function eventIn(bytes: Uint8Array): Event {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new WebhookError('not_an_event', 'The signature is right, but the body is not JSON');
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) =>
      character.charCodeAt(0),
    );
  } catch {
    return null;
  }
}

/** Takes as long whatever is equal, so that its time tells nothing. Web Crypto compares only what it signs again. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < SIGNATURE_BYTES; i++) difference |= (one[i] ?? 0) ^ (other[i] ?? 0);
  return difference === 0;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
