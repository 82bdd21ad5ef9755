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
    const candidate = unlessThrown(() => original(text));
    if (candidate !== undefined && (await isSigned(candidate))) return [reason, sentence];
  }
  if (text.includes('\ufffd'))
    return [
      'body_misread',
      'The body is not UTF-8 any more: it was put together from pieces that were decoded one by one',
    ];
  if (unlessThrown(() => JSON.parse(text)) === undefined)
    return ['body_misread', `The body is not JSON: it was cut or altered; ${RAW}`];
  if (!text.startsWith(BEGINNING))
    return ['body_rewritten', `The body was parsed and written again, or is not of modelstudio-jobs; ${RAW}`];
  return null;
}

const encoded = (text: string) => new TextEncoder().encode(text);

function latin1(text: string): Uint8Array {
  if (/[^\0-\xff]/.test(text)) throw new RangeError('It has other characters');
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Each makes of a text what it may have been before, or throws if it cannot have been that. */
const ORIGINALS: [Misreading, string, (text: string) => Uint8Array][] = [
  [
    'body_rewritten',
    `Spaces or line breaks were added around the body; ${RAW}`,
    (text) => encoded(text.trim()),
  ],
  [
    'body_rewritten',
    `The body was parsed and written again, with other spaces, escapes or order; ${RAW}`,
    (text) => encoded(JSON.stringify(inOrder(JSON.parse(text)))),
  ],
  [
    'body_misread',
    'The body is still in base64: decode it first, as the event of a Lambda function says with isBase64Encoded',
    (text) => latin1(atob(text)),
  ],
  [
    'body_misread',
    'The body was decoded as Latin-1, and it is UTF-8: take the bytes, or decode them as UTF-8',
    latin1,
  ],
];

/** Serializers may sort the members of an object; these were written in this order. */
const MEMBERS =
  'type timestamp data job_id status model_id total_tasks completed_tasks failed_tasks created_at updated_at ' +
  'finished_at expires_at queued_until submissions metadata results results_url error';
const PLACES = new Map(MEMBERS.split(' ').map((name, place) => [name, place]));

function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const { data, ...event } = value as Record<string, unknown>;
  return sorted({ ...event, ...(data !== undefined && { data: sorted(data) }) });
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const place = (name: string) => PLACES.get(name) ?? PLACES.size;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => place(a) - place(b)));
}

/** Some JSON can be read and not written again: whoever nests it deep enough must get a refusal all the same. */
function unlessThrown<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
