import { join } from 'node:path';

/** Nothing that the machine is set up for reaches a program, nor does it leave anything outside the folder. */
export function isolatedIn(folder: string): Record<string, string> {
  const theirs = Object.keys(process.env).filter((name) => /^(AWS|CDK)_|^(https?|no)_proxy$/i.test(name));
  return {
    ...Object.fromEntries(theirs.map((name) => [name, ''])),
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_HOME: join(folder, 'cdk'),
  };
}
