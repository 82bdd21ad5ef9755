import { once } from 'node:events';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { s3Settings } from '../../functions/edge/aws.ts';
import { createBucket } from '../../functions/edge/document-bucket.ts';
import { serveHttp } from './servers.ts';

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' };

function bucketAt(url: URL) {
  const place = { endpoint: url.origin, region: 'us-east-1', credentials, forcePathStyle: true };
  return createBucket('b', new S3Client({ ...s3Settings, ...place, maxAttempts: 1 }));
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

describe('a link to put an object', () => {
  const sha256 = '00ff'.repeat(16);
  const checksum = Buffer.from(sha256, 'hex').toString('base64');
  const free = { 'content-length': '12', 'if-none-match': '*' };

  it.each([
    [null, free, 'content-length;host;if-none-match'],
    [
      sha256,
      { ...free, 'x-amz-checksum-sha256': checksum },
      'content-length;host;if-none-match;x-amz-checksum-sha256',
    ],
  ])(
    'signs whatever binds it, and nothing that no client would send: hash %s',
    async (hash, headers, signed) => {
      vi.stubEnv('AWS_REGION', 'us-east-1');
      for (const [name, value] of Object.entries({ ACCESS_KEY_ID: 'key', SECRET_ACCESS_KEY: 'secret' }))
        vi.stubEnv(`AWS_${name}`, value);
      const link = await createBucket('bucket').linkToPut('uploads/a/1', 12, hash);
      const { hostname, pathname, searchParams } = new URL(link.url);
      expect([hostname, pathname]).toEqual(['bucket.s3.us-east-1.amazonaws.com', '/uploads/a/1']);
      expect(link.headers).toEqual(headers);
      expect(searchParams.get('X-Amz-SignedHeaders')).toBe(signed);
      expect(searchParams.get('X-Amz-Expires')).toBe('900');
      expect([...searchParams.keys()].filter((name) => !name.startsWith('X-Amz-'))).toEqual(['x-id']);
    },
  );
});

describe('whether an object is there', () => {
  it.each([
    [200, true],
    [403, false],
    [404, false],
  ])('is what S3 means by %d', async (status, isThere) => {
    const server = await serveHttp((_request, response) => response.writeHead(status).end());
    expect(await bucketAt(server.url).has('k')).toBe(isThere);
  });

  it('is unknown when S3 is out of order', async () => {
    const server = await serveHttp((_request, response) => response.writeHead(500).end());
    await expect(bucketAt(server.url).has('k')).rejects.toThrow('UnknownError');
  });
});

describe('an object that is read piece by piece', () => {
  async function readAll(url: URL): Promise<string> {
    const pieces: Uint8Array[] = [];
    for await (const piece of bucketAt(url).stream('k')) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  it('comes as it is sent', async () => {
    let send = (_text: string) => {};
    const server = await serveHttp((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      send = (text) => response.write(text);
      send('first');
    });
    const pieces = bucketAt(server.url).stream('k')[Symbol.asyncIterator]();
    expect(String((await pieces.next()).value)).toBe('first');
    send('other');
    expect(String((await pieces.next()).value)).toBe('other');
    expect((await pieces.next()).done).toBe(true);
  });

  it('is an error if it breaks off', async () => {
    const server = await serveHttp((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('first', () => response.destroy());
    });
    await expect(readAll(server.url)).rejects.toThrow();
  });

  it('is given up when nothing more comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const server = await serveHttp((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('first');
    });
    const pieces = bucketAt(server.url).stream('k')[Symbol.asyncIterator]();
    await pieces.next();
    // As long as nobody asks for more, it may take its time.
    await vi.advanceTimersByTimeAsync(60_000);
    const next = pieces.next();
    const given = expect(next).rejects.toThrow();
    await vi.advanceTimersByTimeAsync(8000);
    await given;
  });

  it('is not read on when nobody wants more', async () => {
    const server = await serveHttp((request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('first');
      closed = once(request.socket, 'close');
    });
    let closed: Promise<unknown> = Promise.resolve();
    for await (const _ of bucketAt(server.url).stream('k')) break;
    await closed;
  });
});

describe('an object that is written as it is read', () => {
  const PIECE = 'x'.repeat(300 * 1024);
  const virtually = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  it('may take any time to be read', async () => {
    virtually();
    let received = 0;
    const server = await serveHttp((request, response) => {
      request.on('data', ({ length }) => (received += length)).on('end', () => response.end());
    });
    async function* texts() {
      for (let i = 0; i < 3; i++) {
        await vi.advanceTimersByTimeAsync(60_000);
        yield PIECE;
      }
    }
    await bucketAt(server.url).putAll('k', 3 * PIECE.length, texts());
    expect(received).toBeGreaterThanOrEqual(3 * PIECE.length);
  });

  it.each([
    ['does not take it', 1000],
    ['does not say that it has it', 1],
  ])('is given up when S3 %s', async (_what, count) => {
    virtually();
    const server = await serveHttp((request) => count === 1 && request.resume());
    let read = 0;
    const texts = function* () {
      for (; read < count; read++) yield PIECE;
    };
    const put = bucketAt(server.url).putAll('k', count * PIECE.length, texts());
    let isOver = false;
    const given = expect(put.finally(() => (isOver = true))).rejects.toThrow('S3 takes no more');
    while (!isOver) {
      await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(500);
    }
    await given;
    if (count > 1) expect(read).toBeLessThan(count);
  });

  it('is given up at once when it cannot be read', async () => {
    const server = await serveHttp((request) => request.resume());
    async function* texts() {
      yield PIECE;
      throw new Error('The document is gone');
    }
    const put = bucketAt(server.url).putAll('k', 2 * PIECE.length, texts());
    await expect(put).rejects.toThrow('The document is gone');
  });
});
