import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { signedHeaders } from '../../../functions/core/webhook/signature.ts';
import { circlesIn, sources, tooLongIn } from '../../house.ts';

const all = sources('clients/typescript/*.ts');
const written = all.filter(({ path }) => !path.endsWith('/types.ts'));

it('there are files to check', () => expect(all.length).toBeGreaterThan(5));

describe('the client runs wherever the standards of the web do:', () => {
  it.each(all)(
    '$path imports nothing from elsewhere, and uses nothing that only one runtime has',
    ({ code, imports }) => {
      expect(imports.filter((name) => !/^\.\/[\w-]+\.ts$/.test(name))).toEqual([]);
      expect(code).not.toMatch(
        /\b(process|Buffer|require|__dirname|Deno|Bun|setImmediate|window|document)\b/,
      );
    },
  );
});

it('a context without anything but these standards, and with constructors of its own, is enough', async () => {
  const entryPoints = [fileURLToPath(new URL('../../../clients/typescript/index.ts', import.meta.url))];
  const options = { bundle: true, write: false, format: 'iife', globalName: 'client' } as const;
  const { outputFiles } = await build({ entryPoints, ...options });
  const { AbortController, DOMException, Headers, TextDecoder, TextEncoder, URL: Url } = globalThis;
  const standards = { AbortController, DOMException, Headers, TextDecoder, TextEncoder, URL: Url };
  const timers = { setTimeout, clearTimeout };
  const fetch = async () => new Response('{"upload_id":"upload_1","url":null}');
  const secret = `whsec_${'A'.repeat(43)}=`;
  const headers = signedHeaders('msg_1', Date.now(), '{"a":1}', [secret]);
  const given = { fetch, secret, headers, body: new TextEncoder().encode('{"a":1}') };
  const context = createContext({
    ...standards,
    ...timers,
    URLSearchParams,
    atob,
    crypto,
    performance,
    given,
  });
  runInContext(outputFiles[0]?.text ?? '', context);
  const verify = 'client.verifyWebhook(given.body, given.headers, given.secret)';
  expect(JSON.stringify(await runInContext(verify, context))).toBe('{"a":1}');
  const upload = `new client.ModelStudioJobsClient({ url: 'https://a.example', key: 'msj_a_b', fetch: given.fetch })
    .upload(given.body, { format: 'json' })`;
  expect(await runInContext(upload, context)).toBe('upload_1');
});

it.each(written)('$path is short enough to read', (source) => expect(tooLongIn(source)).toEqual([]));

it('no files import each other in a circle', () => expect(circlesIn(all)).toEqual([]));
