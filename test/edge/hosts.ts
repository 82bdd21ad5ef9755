import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { certificateFor } from './certificate.ts';

/** Makes a machine with its own network and its own names. */
const UNSHARE: [string, ...string[]] = ['unshare', '-rnm', 'sh', '-ec'];

const SET_UP = `
ip link set lo up
for address in $ADDRESSES; do ip addr add $address dev lo nodad; done
mount --bind "$HOSTS" /etc/hosts
exec "$@"`;

/** Fails where this is not allowed, or not possible. */
export const TRIAL: [string, ...string[]] = [
  ...UNSHARE,
  `ADDRESSES='9.9.9.9 2a00::9' HOSTS=/etc/hosts\n${SET_UP}`,
  'sh',
  'true',
];

export const DOMAIN = 'hooks.example.com';

/**
 * Runs a program of the repository on a machine of its own that has these addresses, and on which these names lead to
 * them. It finds a certificate for *.hooks.example.com in $FOLDER/pem, which it trusts.
 * @returns what it prints, as JSON
 */
export async function runAmongHosts<T>(
  program: string,
  names: Record<string, readonly string[]>,
  env: Record<string, string> = {},
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hosts-'));
  try {
    const { key, cert } = certificateFor(`*.${DOMAIN}`);
    const lines = Object.entries(names).flatMap(([name, all]) =>
      all.map((each) => `${each} ${name}.${DOMAIN}\n`),
    );
    await writeFile(join(folder, 'pem'), key + cert);
    await writeFile(join(folder, 'hosts'), ['127.0.0.1 localhost\n', ...lines].join(''));
    const addresses = [...new Set(Object.values(names).flat())];
    return await run([...UNSHARE, SET_UP, 'sh', process.execPath, program], {
      ...env,
      FOLDER: folder,
      HOSTS: join(folder, 'hosts'),
      NAMES: JSON.stringify(names),
      ADDRESSES: addresses.join(' '),
      NODE_EXTRA_CA_CERTS: join(folder, 'pem'),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function run<T>([program, ...args]: string[], env: Record<string, string>): Promise<T> {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const child = spawn(program as string, args, { cwd, env: { ...process.env, ...env } });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output) as T);
      else reject(new Error(`It ended with ${code ?? signal}:\n${errors}`));
    });
  });
}
