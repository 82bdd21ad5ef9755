import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export type Ran = { code: number | null; stdout: string; stderr: string };

/** Runs a program to its end. */
export async function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
  stdin = '',
  cwd = process.cwd(),
): Promise<Ran> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
  // A program that is missing or does not read its input is told by its exit code.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code, stdout, stderr };
}

/** Ends the program and waits until it is gone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = await exited;
  return code;
}
