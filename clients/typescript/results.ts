import { type Connection, objectIn } from './connection.ts';
import { ConnectionError } from './errors.ts';
import { type CallOptions, sleep, type Watch } from './repeating.ts';
import type { Result, ResultsLink } from './types.ts';

/** A connection over which nothing comes for so long is given up. */
const STALL_MS = 60_000;
/** How often in turn a connection may be lost before it has brought another result. */
const LOSSES_MAX = 3;
const LOSS_WAIT_MS = 500;

/** The answer has ended in the middle, or is another one. */
class Loss extends Error {}

/** A finished job's results in their order, one held at a time. After a lost connection it goes on where it was. */
export async function* eachResult(
  connection: Connection,
  jobId: string,
  options: CallOptions,
): AsyncGenerator<Result, void, undefined> {
  const path = `/v1/jobs/${encodeURIComponent(jobId)}/results`;
  let given = 0;
  let losses = 0;
  for (;;) {
    try {
      for await (const result of resultsFrom(given, path, connection, options)) {
        given++;
        losses = 0;
        yield result;
      }
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof Loss)) throw error;
      if (++losses > LOSSES_MAX)
        throw new ConnectionError({ what: `GET ${path}`, attempts: losses }, error.cause);
      await sleep(losses * LOSS_WAIT_MS, options.signal);
    }
  }
}

/** Those from this place on, over one connection. */
async function* resultsFrom(
  place: number,
  path: string,
  connection: Connection,
  options: CallOptions,
): AsyncGenerator<Result, void, undefined> {
  const headers = { accept: 'application/jsonl' };
  // Nothing follows a redirect: the key goes to the API alone.
  const call = { method: 'GET', path: `${path}?redirect=false`, headers } as const;
  let { response, watch } = await connection.open(call, options);
  try {
    if (!response.headers.get('content-type')?.startsWith('application/jsonl')) {
      const body = await read(response.json(), watch);
      if (Array.isArray(body)) {
        yield* body.slice(place);
        return;
      }
      watch.end();
      const answer = { body, attempts: 1, status: response.status };
      const { url } = objectIn<ResultsLink>(call, answer, 'results', ['url']);
      ({ response, watch } = await connection.open({ method: 'GET', path: url }, options));
    }
    let passed = 0;
    for await (const result of resultsIn(textOf(response, watch))) {
      if (passed++ >= place) yield result;
    }
  } finally {
    watch.end();
  }
}

/** @throws a `Loss` */
function read<T>(reading: Promise<T>, { signal }: Watch): Promise<T> {
  return reading.catch((error) => {
    throw new Loss('', { cause: signal.aborted ? signal.reason : error });
  });
}

async function* textOf({ body }: Response, watch: Watch): AsyncGenerator<string> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  for (;;) {
    watch.allow(STALL_MS);
    const { done, value } = await read(reader.read(), watch);
    // What the caller does with it meanwhile may take as long as it likes.
    watch.rest();
    if (done) break;
    yield decoder.decode(value, { stream: true });
  }
  yield decoder.decode();
}

/** A backslash takes its next character with it. */
const MARKS = /["\\{}\]]/g;

/**
 * The objects of JSON Lines, or of one array: a job whose results came all at once may have no lines.
 * @throws a `Loss` if the text ends in the middle, or is another one
 */
async function* resultsIn(chunks: AsyncIterable<string>): AsyncGenerator<Result> {
  /** What has come of an object: one text that grows would be copied with each chunk. */
  let pieces: string[] = [];
  /** Where to look on: in the next chunk, if a backslash ends this one. */
  let at = 0;
  let depth = 0;
  let isString = false;
  let isArray: boolean | undefined;
  for await (const chunk of chunks) {
    let from = 0;
    const [first] = isArray === undefined ? chunk.trimStart() : '';
    if (first) isArray = first === '[';
    if (first && first !== '[' && first !== '{')
      throw new Loss('', { cause: new Error('these are no results') });
    for (;;) {
      MARKS.lastIndex = at;
      const mark = MARKS.exec(chunk);
      if (!mark) break;
      at = mark.index + (mark[0] === '\\' ? 2 : 1);
      if (mark[0] === '"') isString = !isString;
      else if (isString || mark[0] === '\\') continue;
      else if (mark[0] === ']' && depth === 0) isArray = false;
      else if (mark[0] === '{' && depth++ === 0) from = mark.index;
      else if (mark[0] === '}' && --depth === 0) {
        const object = pieces.join('') + chunk.slice(from, at);
        pieces = [];
        yield resultIn(object);
      }
    }
    if (depth > 0) pieces.push(chunk.slice(from));
    at = Math.max(at - chunk.length, 0);
  }
  if (depth > 0 || isArray) throw new Loss('', { cause: new Error('the results end in the middle') });
}

function resultIn(text: string): Result {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Loss('', { cause });
  }
}
