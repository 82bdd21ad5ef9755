import { randomInt } from 'node:crypto';

/** `GenerateSecretString` of AWS::SecretsManager::Secret. */
export interface SecretGeneration {
  ExcludeCharacters?: string;
  ExcludeLowercase?: boolean;
  ExcludeNumbers?: boolean;
  ExcludePunctuation?: boolean;
  ExcludeUppercase?: boolean;
  GenerateStringKey?: string;
  IncludeSpace?: boolean;
  PasswordLength?: number;
  RequireEachIncludedType?: boolean;
  SecretStringTemplate?: string;
}

export function generateSecretString(generation: SecretGeneration): string {
  const password = generatePassword(generation);
  if (generation.GenerateStringKey === undefined) return password;
  const template = JSON.parse(generation.SecretStringTemplate ?? '{}') as Record<string, unknown>;
  return JSON.stringify({ ...template, [generation.GenerateStringKey]: password });
}

function generatePassword(generation: SecretGeneration): string {
  const alphabets = [
    generation.ExcludeLowercase ? '' : 'abcdefghijklmnopqrstuvwxyz',
    generation.ExcludeUppercase ? '' : 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
    generation.ExcludeNumbers ? '' : '0123456789',
    generation.ExcludePunctuation ? '' : '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
    generation.IncludeSpace ? ' ' : '',
  ]
    .map((alphabet) =>
      [...alphabet].filter((character) => !generation.ExcludeCharacters?.includes(character)),
    )
    .filter((alphabet) => alphabet.length > 0);
  const required = generation.RequireEachIncludedType === false ? [] : alphabets.map(pick);
  const length = generation.PasswordLength ?? 32;
  const rest = Array.from({ length: length - required.length }, () => pick(alphabets.flat()));
  return shuffled([...required, ...rest]).join('');
}

function pick(characters: string[]): string {
  return characters[randomInt(characters.length)] as string;
}

function shuffled(characters: string[]): string[] {
  return characters
    .map((character) => ({ character, order: randomInt(2 ** 32) }))
    .sort((a, b) => a.order - b.order)
    .map(({ character }) => character);
}
