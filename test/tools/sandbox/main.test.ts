import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startSandbox } from '../../../tools/local/sandbox/server.ts';
import { end, run } from '../../run.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = `${ROOT}/tools/local/sandbox/main.ts`;

/** Starts the command, and returns what it has said once it says `ready`. */
async function start(args: string[], ready: RegExp) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said.stderr += text;
  });
  child.stdout.setEncoding('utf8');
  while (!ready.test(said.stdout)) {
    const [text] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    if (typeof text !== 'string') throw new Error(`It ended early: ${said.stderr}`);
    said.stdout += text;
  }
  return { child, said };
}

test.concurrent.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
  'the sandbox with --json prints one line, and %s ends it',
  async (signal) => {
    const { child, said } = await start(['--json', '--port', '0'], /\n/);
    try {
      expect(said.stdout.trimEnd()).not.toContain('\n');
      const line = JSON.parse(said.stdout);
      expect(Object.keys(line)).toEqual(['base_url', 'organization_id', 'api_key', 'model_ids']);
      expect(line.model_ids).toContain('sandbox-flaky');
      const response = await fetch(
        `${line.base_url}/api/v1/organizations/${line.organization_id}/generate/x`,
        {
          headers: { authorization: `Bearer ${line.api_key}` },
        },
      );
      expect(response.status).toBe(404);
      const before = performance.now();
      expect(await end(child, signal)).toBe(0);
      expect(performance.now() - before).toBeLessThan(4_500);
      expect(said.stderr).toBe('');
    } finally {
      await end(child, 'SIGKILL');
    }
  },
);

/** Between npm and its script there is a shell, which passes no signal on. */
test.concurrent.each<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGKILL'])(
  'the sandbox ends when npm, which runs it, gets a %s',
  async (signal) => {
    const args = ['run', '--silent', 'sandbox', '--', '--json', '--port', '0'];
    const npm = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(npm.stdout, 'data');
    const { base_url } = JSON.parse(String(line));
    await end(npm, signal);
    await expect.poll(() => fetch(base_url).catch(() => 'gone'), { timeout: 20_000 }).toBe('gone');
  },
);

test.concurrent('the sandbox prints a curl line that works', async () => {
  const { child, said } = await start(['--port=0'], /Ctrl-C/);
  try {
    const line = said.stdout.split('\n').find((text) => text.includes('curl') && text.includes('-d'));
    const ran = await run('sh', ['-c', line as string]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'CREATED' });
  } finally {
    await end(child, 'SIGKILL');
  }
});

test.concurrent.each<[args: string[], sentence: string]>([
  [['--prot', '1'], "Unknown option '--prot'"],
  [['extra'], 'Unexpected argument: there are only flags here'],
  [['--port', '1', '--port', '2'], '--port is given more than once'],
  [['--port'], 'argument missing'],
  [['--port', 'x'], '--port must be a whole number from 0 to 65535\n'],
  [['--port', '65536'], '--port must be a whole number from 0 to 65535\n'],
  [['--port', ''], '--port must be a whole number'],
  [['--dialect'], 'argument missing'],
  [['--dialect', 'piratical'], 'There is no such dialect. There are: modelstudio, ionos, '],
  [['--json=1'], "'--json' does not take an argument"],
])('the sandbox refuses the arguments %j', async (args, sentence) => {
  const ran = await run(process.execPath, [MAIN, ...args]);
  expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(sentence) });
});

test.concurrent('the sandbox says that a port is in use', async () => {
  const other = await startSandbox();
  const ran = await run(process.execPath, [MAIN, '--port', new URL(other.baseUrl).port]);
  await other.close();
  expect(ran).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Port \d+ is in use; .*\n$/),
  });
});

test.concurrent("--dialect changes the spelling of the sandbox's answers", async () => {
  const { child, said } = await start(['--port=0', '--dialect', 'data'], /Ctrl-C/);
  try {
    const line = said.stdout.split('\n').find((text) => text.includes('curl') && text.includes('-d'));
    const ran = await run('sh', ['-c', line as string]);
    expect(JSON.parse(ran.stdout)).toMatchObject({ data: { status: 'CREATED' } });
  } finally {
    await end(child, 'SIGKILL');
  }
});

test.concurrent("--help lists the sandbox's models, dialects and prompts", async () => {
  const ran = await run(process.execPath, [MAIN, '--help']);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(/sandbox-instant.*ionos.*repeat:<n>/s);
});
