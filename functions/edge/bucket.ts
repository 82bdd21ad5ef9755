import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';

const LINK_SECONDS = 900;

/** An S3 bucket of JSON documents. */
export interface Bucket {
  put(key: string, body: Buffer): Promise<unknown>;
  /** Undefined: the object has no body. @throws AccessDenied when it is not there: the role may not list what is */
  get(key: string): Promise<string | undefined>;
  link(key: string): Promise<string>;
}

export function createBucket(Bucket: string, s3 = new S3Client()): Bucket {
  return {
    put: (Key, Body) => s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/json' })),
    async get(Key) {
      const object = await s3.send(new GetObjectCommand({ Bucket, Key }));
      return object.Body?.transformToString();
    },
    link: (Key) => getSignedUrl(s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: LINK_SECONDS }),
  };
}
