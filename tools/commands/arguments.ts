import { type ParseArgsConfig, parseArgs } from 'node:util';

/**
 * As Node does it, but a flag that has one value is given once. Of what was typed, nothing is quoted but names of flags: the
 * rest may be a secret in the wrong place.
 * @throws an Error, whose message has no full stop
 */
export function parseArguments<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  const parsed = parsedByNode({ ...config, tokens: true });
  const seen = new Set<string>();
  for (const token of parsed.tokens) {
    if (token.kind !== 'option' || token.value === undefined) continue;
    if (seen.has(token.name) && !config.options?.[token.name]?.multiple)
      throw new Error(`--${token.name} is given more than once`);
    seen.add(token.name);
  }
  return parsed as ReturnType<typeof parseArgs<T>>;
}

function parsedByNode(config: ParseArgsConfig & { tokens: true }) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Error(withoutInput(error as NodeJS.ErrnoException));
  }
}

/** Node's own words; from the second sentence on they tell how to escape a dash. */
function withoutInput({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return UNEXPECTED;
  const sentence = message.replace(/\.(\s.*)?$/s, '');
  const isOfFlag =
    code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || /^Unknown option '--?[a-z][a-z-]*'$/.test(sentence);
  return isOfFlag ? sentence : 'Unknown option';
}

export const UNEXPECTED = 'Unexpected argument: there are only flags here';
