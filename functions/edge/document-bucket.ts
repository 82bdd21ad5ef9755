import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { FIRST_FORMAT, isLaterFormat, LaterFormat } from '../core/format.ts';
import type { PutLink } from '../core/http/uploads.ts';
import { AWS_CALL_MILLIS, AWS_TRY_MILLIS, UPLOAD_URL_SECONDS } from '../core/limits.ts';
import type { Texts } from '../ports.ts';
import { describingErrors, s3Settings } from './aws.ts';

/** 80 Mbit/s: a write that is slower than this is stuck. */
const WRITE_BYTES_PER_MILLI = 10_000;
/** The SDK's own limit would count the time that it takes to read what is written. */
const UNLIMITED = 0;

export type Bucket = ReturnType<typeof createBucket>;

/** Otherwise, links to upload would have the checksum of an empty body. */
const linkSettings = { ...s3Settings, requestChecksumCalculation: 'WHEN_REQUIRED' } as const;

/** The signer would move it into the URL, where S3 does not look. */
const CHECKSUM = 'x-amz-checksum-sha256';

/** A piece of a request; results are smaller, and each would be one. */
const PIECE_CHARACTERS = 256 * 1024;

async function* gathered(texts: Texts): AsyncGenerator<Buffer> {
  let held = '';
  for await (const text of texts) {
    held += text;
    if (held.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(held);
    held = '';
  }
  yield Buffer.from(held);
}

export function createBucket(Bucket: string, s3 = describingErrors(new S3Client(s3Settings))) {
  const putOf = (Key: string, Body: Buffer | Readable, ContentLength: number) => {
    const Metadata = { format: String(FIRST_FORMAT) };
    const ContentType = Key.endsWith('.jsonl') ? 'application/jsonl' : 'application/json';
    return new PutObjectCommand({ Bucket, Key, Body, ContentLength, ContentType, Metadata });
  };
  return {
    put(key: string, body: Buffer): Promise<unknown> {
      const requestTimeout = AWS_TRY_MILLIS + body.byteLength / WRITE_BYTES_PER_MILLI;
      return s3.send(putOf(key, body, body.byteLength), { requestTimeout });
    },
    /** The same for a body that is read as it is sent, so it is sent once. */
    async putAll(key: string, bytes: number, texts: Texts): Promise<void> {
      const { given, signal: abortSignal, end } = watching(gathered(texts));
      const body = Readable.from(given, { objectMode: false });
      try {
        await s3.send(putOf(key, body, bytes), { requestTimeout: UNLIMITED, abortSignal });
      } catch (error) {
        throw abortSignal.aborted ? abortSignal.reason : error;
      } finally {
        end();
        body.destroy();
      }
    },
    /** From one byte to before another. */
    async range(Key: string, from: number, to: number): Promise<Uint8Array> {
      const get = new GetObjectCommand({ Bucket, Key, Range: `bytes=${from}-${to - 1}` });
      const { Body } = await s3.send(get, { abortSignal: AbortSignal.timeout(AWS_CALL_MILLIS) });
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    },
    /** Undefined: the object has no body. @throws AccessDenied if there is no object, as the role may not list them */
    async get(Key: string): Promise<string | undefined> {
      const abortSignal = AbortSignal.timeout(AWS_CALL_MILLIS);
      const object = await s3.send(new GetObjectCommand({ Bucket, Key }), { abortSignal });
      const text = await object.Body?.transformToString();
      if (isLaterFormat(object.Metadata?.['format'])) throw new LaterFormat(`The document ${Key}`);
      return text;
    },
    /** Also if there is none. */
    remove: (Key: string): Promise<unknown> => s3.send(new DeleteObjectCommand({ Bucket, Key })),
    link(Key: string, expiresIn: number): Promise<string> {
      return getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn });
    },
    has: (Key: string): Promise<boolean> =>
      s3.send(new HeadObjectCommand({ Bucket, Key })).then(
        () => true,
        (error: S3ServiceException) => {
          // 403, as the role may not list the objects.
          if ([403, 404].includes(error.$metadata?.httpStatusCode ?? 0)) return false;
          throw error;
        },
      ),
    stream: (Key: string) => piecesOf(s3, new GetObjectCommand({ Bucket, Key })),
    /** A link that takes one object of exactly this length and, if it is given, this hash in hexadecimal digits. */
    async linkToPut(Key: string, ContentLength: number, sha256: string | null): Promise<PutLink> {
      const ChecksumSHA256 = sha256 === null ? undefined : Buffer.from(sha256, 'hex').toString('base64');
      const put = new PutObjectCommand({ Bucket, Key, ContentLength, IfNoneMatch: '*', ChecksumSHA256 });
      const signer = describingErrors(new S3Client(linkSettings));
      const unhoistableHeaders = new Set([CHECKSUM]);
      const url = await getSignedUrl(signer, put, { expiresIn: UPLOAD_URL_SECONDS, unhoistableHeaders });
      const headers = { 'content-length': String(ContentLength), 'if-none-match': '*' };
      return { url, headers: { ...headers, ...(ChecksumSHA256 && { [CHECKSUM]: ChecksumSHA256 }) } };
    },
  };
}

/** Gives up whoever takes the pieces and takes no more, and if one cannot be read. */
function watching(pieces: AsyncGenerator<Buffer>) {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const end = () => clearTimeout(timer);
  const wait = (bytes: number) => {
    const giveUp = () => stop.abort(new Error('S3 takes no more of an object'));
    timer = setTimeout(giveUp, AWS_CALL_MILLIS + bytes / WRITE_BYTES_PER_MILLI);
  };
  async function* given() {
    try {
      for await (const piece of pieces) {
        // Only until the next is asked for: that may take any time to be read.
        wait(piece.byteLength);
        try {
          yield piece;
        } finally {
          end();
        }
      }
      wait(0);
    } catch (error) {
      stop.abort(error);
    }
  }
  return { given: given(), signal: stop.signal, end };
}

/** The object piece by piece, as fast as it is read. */
async function* piecesOf(s3: S3Client, get: GetObjectCommand): AsyncGenerator<Uint8Array> {
  const end = new AbortController();
  try {
    const object = await s3.send(get, { abortSignal: end.signal });
    const pieces = (object.Body as Readable)[Symbol.asyncIterator]();
    for (;;) {
      // Only while it is waited for: whoever reads may take any time between two pieces.
      const timer = setTimeout(() => end.abort(), AWS_CALL_MILLIS);
      const { done, value } = await pieces.next().finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    end.abort();
  }
}
