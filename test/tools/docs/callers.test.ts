import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problem } from '../../../functions/core/http/problem.ts';
import { parseSubmission } from '../../../functions/core/http/submission.ts';
import { signedHeaders } from '../../../functions/core/webhook/signature.ts';
import { describeWith, PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';
import { newSecret } from '../examples/deliveries.ts';
import { pageAt } from './pages.ts';

const { fences } = pageAt('docs/callers.md');
const fence = (language: string) => fences.find((block) => block.language === language)?.text ?? '';

it('the error in docs/callers.md is the one that the API gives', () => {
  const flat = { model_id: 'm', messages: [{ role: 'user', content: 'Hello' }] };
  const submission = parseSubmission(flat, { ports: [], ownHost: null, loopback: false });
  const errors = 'faults' in submission ? submission.faults : [];
  expect(JSON.parse(fence('json'))).toEqual(JSON.parse(problem('invalid_request', '…', { errors }).body));
});

interface Language {
  language: string;
  extension: string;
  /** What must be there, in words, and a call that fails if it is not. */
  needs: [what: string, probe: [string, ...string[]]];
  /** Follows the page's code: submits once, then verifies each line `secret, id, timestamp, signatures, body`. */
  main: string;
  command: (file: string) => [program: string, args: string[]];
}

const LANGUAGES: readonly Language[] = [
  {
    language: 'php',
    extension: 'php',
    needs: ['PHP', ['php', '--version']],
    main: `
echo submit($argv[1], 'msj_key', 'order-1042', ['model_id' => 'm'])['job_id'], "\\n";
foreach (file($argv[2], FILE_IGNORE_NEW_LINES) as $line) {
    [$secret, $id, $timestamp, $signatures, $body] = explode("\\t", $line);
    echo verify(base64_decode($body), $id, $timestamp, $signatures, $secret) ? 'true' : 'false', "\\n";
}`,
    command: (file) => ['php', [file]],
  },
  {
    language: 'ruby',
    extension: 'rb',
    needs: ['Ruby', ['ruby', '--version']],
    main: `
puts submit(ARGV[0], 'msj_key', 'order-1042', { model_id: 'm' })['job_id']
File.readlines(ARGV[1], chomp: true).each do |line|
  secret, id, timestamp, signatures, body = line.split("\\t", -1)
  puts verify(Base64.decode64(body), id, timestamp, signatures, secret)
end`,
    command: (file) => ['ruby', [file]],
  },
  {
    language: 'csharp',
    extension: 'cs',
    needs: [
      'Mono with System.Net.Http',
      ['sh', '-c', 'mcs --version && test -e /usr/lib/mono/4.5/System.Net.Http.dll'],
    ],
    main: `
public static class Program
{
    public static void Main(string[] args)
    {
        var json = ModelStudioJobs.Submit(args[0], "msj_key", "order-1042", "{\\"model_id\\":\\"m\\"}").Result;
        Console.WriteLine(json.Split('"')[3]);
        foreach (var line in System.IO.File.ReadAllLines(args[1]))
        {
            var f = line.Split('\\t');
            var ok = ModelStudioJobs.Verify(Convert.FromBase64String(f[4]), f[1], f[2], f[3], f[0]);
            Console.WriteLine(ok ? "true" : "false");
        }
    }
}`,
    command: (file) => [
      'sh',
      ['-c', 'mcs -out:"$0.exe" -r:System.Net.Http "$0" && mono "$0.exe" "$1" "$2"', file],
    ],
  },
];

const secret = newSecret();
const [id, body] = ['msg_1', '{"type":"job.completed","data":{"result":"é 😀"}}'];
const MINUTE_MILLIS = 60_000;

type Delivery = { at?: number; secrets?: string[]; sent?: string; signatures?: string };
const DELIVERIES: [what: string, isGood: boolean, delivery: Delivery][] = [
  ['a good webhook', true, {}],
  ['one that is signed with two secrets', true, { secrets: [newSecret(), secret] }],
  ['one that is four minutes old', true, { at: Date.now() - 4 * MINUTE_MILLIS }],
  ['one that is signed with another secret', false, { secrets: [newSecret()] }],
  ['one that was changed', false, { sent: `${body} ` }],
  ['one that is six minutes old', false, { at: Date.now() - 6 * MINUTE_MILLIS }],
  ['one without a signature', false, { signatures: '' }],
  ['one whose signature is too short', false, { signatures: 'v1,AAAA' }],
];

function lineOf({ at = Date.now(), secrets = [secret], sent = body, signatures }: Delivery): string {
  const headers = signedHeaders(id, at, body, secrets);
  const fields = [secret, id, headers['webhook-timestamp'], signatures ?? headers['webhook-signature']];
  return [...fields, Buffer.from(sent).toString('base64')].join('\t');
}

let folder: string;
let api: Server;
let seen: object[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'callers-'));
  await writeFile(
    join(folder, 'lines'),
    DELIVERIES.map(([, , delivery]) => `${lineOf(delivery)}\n`).join(''),
  );
  api = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { authorization, 'idempotency-key': key, 'content-type': type } = request.headers;
    seen.push({ call: `${request.method} ${request.url}`, authorization, key, type, body: JSON.parse(text) });
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"job_id":"job_1"}');
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
});
afterAll(async () => {
  api?.close();
  api?.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
});

for (const { language, extension, needs, main, command } of LANGUAGES) {
  await describeWith(...needs, `the ${language} code in docs/callers.md`, () => {
    let lines: string[] = [];
    beforeAll(async () => {
      seen = [];
      const file = join(folder, `code.${extension}`);
      await writeFile(file, fence(language) + main);
      const [program, args] = command(file);
      const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
      const { code, stdout, stderr } = await run(program, [...args, url, join(folder, 'lines')]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      lines = stdout.trim().split('\n');
    }, PATIENCE_MILLIS);

    it('the code submits with the key, the idempotency key and the body', () => {
      expect(lines[0]).toBe('job_1');
      expect(seen).toEqual([
        {
          call: 'POST /v1/jobs',
          authorization: 'Bearer msj_key',
          key: 'order-1042',
          type: expect.stringMatching(/^application\/json/),
          body: { model_id: 'm' },
        },
      ]);
    });

    it.each(DELIVERIES.map(([what, isGood], i) => ({ what, isGood, i })))(
      'the code answers $isGood to $what',
      ({ isGood, i }) => {
        expect(lines[i + 1]).toBe(String(isGood));
      },
    );
  });
}

describe('docs/callers.md', () => {
  it('has code in no language that is not tried', () => {
    const tried = [...LANGUAGES.map(({ language }) => language), 'json'];
    expect(fences.map(({ language }) => language).filter((name) => !tried.includes(name))).toEqual([]);
  });
});
