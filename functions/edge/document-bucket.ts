import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { FIRST_FORMAT, isLaterFormat, LaterFormat } from '../core/format.ts';
import { AWS_CALL_MILLIS, AWS_TRY_MILLIS } from '../core/limits.ts';
import { describingErrors, s3Settings } from './aws.ts';

/** 80 Mbit/s: a write that is slower than this is stuck. */
const WRITE_BYTES_PER_MILLI = 10_000;

export interface Bucket {
  put(key: string, body: Buffer): Promise<unknown>;
  /** Undefined: the object has no body. @throws AccessDenied if there is no object, as the role may not list them */
  get(key: string): Promise<string | undefined>;
  /** Also if there is none. */
  remove(key: string): Promise<unknown>;
  link(key: string, seconds: number): Promise<string>;
}

export function createBucket(Bucket: string, s3 = describingErrors(new S3Client(s3Settings))): Bucket {
  return {
    put(Key, Body) {
      const requestTimeout = AWS_TRY_MILLIS + Body.byteLength / WRITE_BYTES_PER_MILLI;
      const Metadata = { format: String(FIRST_FORMAT) };
      const put = new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json', Metadata });
      return s3.send(put, { requestTimeout });
    },
    async get(Key) {
      const abortSignal = AbortSignal.timeout(AWS_CALL_MILLIS);
      const object = await s3.send(new GetObjectCommand({ Bucket, Key }), { abortSignal });
      const text = await object.Body?.transformToString();
      if (isLaterFormat(object.Metadata?.['format'])) throw new LaterFormat(`The document ${Key}`);
      return text;
    },
    remove: (Key) => s3.send(new DeleteObjectCommand({ Bucket, Key })),
    link: (Key, expiresIn) => getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn }),
  };
}
