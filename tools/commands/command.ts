import type { ParseArgsConfig, parseArgs } from 'node:util';
import { redacted, redactedInput } from '../../functions/core/redact.ts';
import { parseArguments, UNEXPECTED } from './arguments.ts';
import { messageOf } from './error-message.ts';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

interface Command<O extends Options, V extends string> {
  help: string;
  options: O;
  /** One of them is the first argument, and takes its flags and those that are no verb's. Without verbs, there are only flags. */
  verbs?: Record<V, readonly (keyof O & string)[]>;
  /** The flags that may be given a secret. */
  secrets?: readonly (keyof O & string)[];
  run(values: Values<O>, verb: V): Promise<void>;
}

/** The command was called wrongly. The message has no full stop. */
export class UsageError extends Error {}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** For another program to read. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** For people alone, who may send it on: it holds no secret. */
export function tell(line: string): void {
  process.stderr.write(`${redacted(line)}\n`);
}

/** Who has read enough closes the pipe. What was begun is done to its end all the same, and its exit code says how it went. */
function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
}

/** Runs a command on this process's arguments. The exit code is 0; 1 when it failed; 2 when it was called wrongly. */
export async function runCommand<O extends Options, V extends string = never>(
  command: Command<O, V>,
): Promise<void> {
  outliveReaders();
  try {
    const { values, positionals } = parse(command, process.argv.slice(2));
    refuseSecrets(values, command.secrets);
    if ('help' in values) process.stdout.write(command.help);
    else await command.run(values, verbIn(positionals, values, command.verbs));
  } catch (error) {
    const isUsage = error instanceof UsageError;
    tell(isUsage ? `${redactedInput(error.message)}. Try --help.` : messageOf(error));
    process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
}

function parse<O extends Options, V extends string>({ options, verbs }: Command<O, V>, args: string[]) {
  const help = { type: 'boolean', short: 'h' } as const;
  try {
    const allowPositionals = verbs !== undefined;
    const { values, positionals } = parseArguments({ args, options: { ...options, help }, allowPositionals });
    return { values: values as Values<O>, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Else it would stand in what the command makes of it, such as a client's name or a line of code. */
function refuseSecrets(values: object, allowed: readonly string[] = []): void {
  for (const [flag, value] of Object.entries(values)) {
    const isSecret = [value].flat().some((each) => typeof each === 'string' && redacted(each) !== each);
    if (isSecret && !allowed.includes(flag))
      throw new UsageError(`--${flag} holds what looks like a secret, and takes none`);
  }
}

function verbIn<V extends string>(
  [first = '', ...rest]: string[],
  values: object,
  verbs?: Record<V, readonly string[]>,
): V {
  if (verbs === undefined) return '' as V;
  if (!Object.hasOwn(verbs, first))
    throw new UsageError(`The first argument must be one of ${Object.keys(verbs).join(', ')}`);
  if (rest.length > 0) throw new UsageError(UNEXPECTED);
  const verb = first as V;
  const ofOthers = new Set<string>(Object.values<readonly string[]>(verbs).flat());
  const wrong = Object.keys(values).find((flag) => ofOthers.has(flag) && !verbs[verb].includes(flag));
  if (wrong !== undefined) throw new UsageError(`${verb} does not take --${wrong}`);
  return verb;
}

/** @throws a UsageError when a flag that is needed was not given */
export function needed(value: string | undefined, flag: string): string {
  if (!value) throw new UsageError(`${flag} is missing`);
  return value;
}
