/** What a receiver may have made of a body before it was verified. */
type Misreading = 'body_rewritten' | 'body_misread';

/** How a body begins that nobody has touched. */
const BEGINNING = '{"type":"job.';
/** Of larger ones it is not worth the time to find out. */
const BODY_MAX_BYTES = 1024 * 1024;

const RAW = 'verify the text or the bytes as they came, before anything parses them';

/**
 * Finds out why a signature does not fit a body, as far as that can be told from the body.
 * @param isSigned whether the signature fits another one
 * @returns the reason and a sentence; null if the body looks as it was sent
 */
export async function misread(
  bytes: Uint8Array,
  isSigned: (candidate: Uint8Array) => Promise<boolean>,
): Promise<[Misreading, string] | null> {
  if (bytes.length > BODY_MAX_BYTES) return null;
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  for (const [reason, sentence, original] of ORIGINALS) {
    const candidate = original(text);
    if (candidate !== null && (await isSigned(candidate))) return [reason, sentence];
  }
  if (text.includes('\ufffd'))
    return [
      'body_misread',
      'The body is not UTF-8 any more: it was put together from pieces that were decoded one by one',
    ];
  const value = jsonIn(text);
  if (value === undefined) return ['body_misread', `The body is not JSON: it was cut or altered; ${RAW}`];
  if (!text.startsWith(BEGINNING))
    return ['body_rewritten', `The body was parsed and written again, or is not of modelstudio-jobs; ${RAW}`];
  return null;
}

const encoded = (text: string) => new TextEncoder().encode(text);

/** Each makes of a text what it may have been before; null if it cannot have been that. */
const ORIGINALS: [Misreading, string, (text: string) => Uint8Array | null][] = [
  [
    'body_rewritten',
    `Spaces or line breaks were added around the body; ${RAW}`,
    (text) => encoded(text.trim()),
  ],
  [
    'body_rewritten',
    `The body was parsed and written again, with other spaces, escapes or order; ${RAW}`,
    (text) => {
      const value = jsonIn(text);
      return value === undefined ? null : encoded(JSON.stringify(inOrder(value)));
    },
  ],
  [
    'body_misread',
    'The body is still in base64: decode it first, as the event of a Lambda function says with isBase64Encoded',
    (text) => {
      try {
        return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      } catch {
        return null;
      }
    },
  ],
  [
    'body_misread',
    'The body was decoded as Latin-1, and it is UTF-8: take the bytes, or decode them as UTF-8',
    (text) => {
      const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
      return codes.some((code) => code > 0xff) ? null : Uint8Array.from(codes);
    },
  ],
];

/** Serializers may sort the members of an object; these were written in this order. */
const MEMBERS = [
  ...[
    'type',
    'timestamp',
    'data',
    'job_id',
    'status',
    'model_id',
    'total_tasks',
    'completed_tasks',
    'failed_tasks',
  ],
  ...[
    'created_at',
    'updated_at',
    'finished_at',
    'expires_at',
    'queued_until',
    'submissions',
    'metadata',
    'results',
  ],
  ...['results_url', 'error'],
];

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { data, ...event } = value as Record<string, unknown>;
  return sorted({ ...event, ...(data !== undefined && { data: sorted(data) }) });
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const place = (name: string) => MEMBERS.indexOf(name) + 1 || MEMBERS.length + 1;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => place(a) - place(b)));
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
