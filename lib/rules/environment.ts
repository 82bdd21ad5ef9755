import { LONGEST_JOB_SECONDS } from '../../functions/core/limits.ts';
import type { Rule } from './rule.ts';
import { variablesOf } from './wiring.ts';

export const jobRetention: Rule = ({ wiring }) =>
  wiring.functions.map((fn) => {
    const { RETENTION_DAYS: days } = variablesOf(fn);
    const isLonger = Number(days) * 86_400 > LONGEST_JOB_SECONDS;
    return (
      !isLonger && `${fn.path} keeps jobs for ${days} days: it must be longer than the longest job lives, 7.`
    );
  });

/** The limit of a function's environment, including the names. */
const ENVIRONMENT_MAX_BYTES = 4096;
/** The longest name, URL or ARN that AWS generates for a resource of the stack. */
const REFERENCE_BYTES = 200;

export const environmentSize: Rule = ({ wiring }) =>
  wiring.functions.map((fn) => {
    const sizes = Object.entries(variablesOf(fn)).map(([name, value]): [name: string, bytes: number] => [
      name,
      name.length + (typeof value === 'string' ? Buffer.byteLength(value) : REFERENCE_BYTES),
    ]);
    const total = sizes.reduce((sum, [, bytes]) => sum + bytes, 0);
    const [[largest] = ['']] = sizes.sort(([, a], [, b]) => b - a);
    return (
      total > ENVIRONMENT_MAX_BYTES &&
      `${fn.path} has too large an environment, most of it ${largest}: about ${total} bytes, and Lambda allows ${ENVIRONMENT_MAX_BYTES}.`
    );
  });

/** What CloudFormation would replace by a secret's value, and what our own secrets look like. */
const SECRET_VALUE =
  /\{\{resolve:(secretsmanager|ssm-secure):|\bwhsec_|\bmsj_[A-Za-z0-9]+_|\bAKIA[A-Z0-9]{16}\b/;

export const environmentSecrets: Rule = ({ wiring, hiddenParameters }) =>
  wiring.functions.flatMap((fn) =>
    Object.entries(variablesOf(fn)).map(([name, value]) => {
      const text = JSON.stringify(value);
      const isHidden = hiddenParameters.some((id) => text.includes(`{"Ref":"${id}"}`));
      return (
        (isHidden || SECRET_VALUE.test(text)) &&
        `${fn.path} has a secret's value in its environment variable ${name}: give it the secret's ARN and permission to read it.`
      );
    }),
  );
