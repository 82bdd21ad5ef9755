import { type Rule, variablesOf } from './wiring.ts';

/** The limit of a function's environment, including the names. */
const ENVIRONMENT_MAX_BYTES = 4096;
/** The longest name, URL or ARN that AWS generates for a resource of the stack. */
const REFERENCE_BYTES = 200;

const bytesOf = (value: unknown) => (typeof value === 'string' ? Buffer.byteLength(value) : REFERENCE_BYTES);

export const environmentSize: Rule = ({ functions }) =>
  functions.flatMap((fn) => {
    const sizes = variablesOf(fn).map(([name, value]) => ({ name, bytes: name.length + bytesOf(value) }));
    const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total <= ENVIRONMENT_MAX_BYTES) return [];
    const [largest] = sizes.sort((a, b) => b.bytes - a.bytes);
    return `${fn.path} has too large an environment, most of it ${largest?.name}: about ${total} bytes, and Lambda allows ${ENVIRONMENT_MAX_BYTES}.`;
  });

/** What CloudFormation would replace by a secret's value, and what our own secrets look like. */
const SECRET_VALUE =
  /\{\{resolve:(secretsmanager|ssm-secure):|\bwhsec_|\bmsj_[A-Za-z0-9]+_|\bAKIA[A-Z0-9]{16}\b/;

export const environmentSecrets: Rule = ({ functions, hiddenParameters }) => {
  const isSecret = (text: string) =>
    SECRET_VALUE.test(text) || hiddenParameters.some((id) => text.includes(`{"Ref":"${id}"}`));
  return functions.flatMap((fn) =>
    variablesOf(fn).flatMap(([name, value]) => {
      if (!isSecret(JSON.stringify(value))) return [];
      return `${fn.path} has a secret's value in its environment variable ${name}: give it the secret's ARN and permission to read it.`;
    }),
  );
};
