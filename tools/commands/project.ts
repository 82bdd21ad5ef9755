import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from './error-message.ts';
import { jsonIn } from './json-file.ts';

/** Whether this is the published package in somebody's node_modules, and not a clone. */
export const isPackage = import.meta.url.endsWith('.js');

/** Of the clone, or of the built package. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder whose cdk.json is deployed: npm runs scripts in it. */
export const project = isPackage ? process.cwd() : root;

/** What commands make and find again. */
export const made = join(project, isPackage ? 'node_modules/.cache/modelstudio-jobs' : 'dist');

/** The settings, and CDK's own flags; none where there is no cdk.json. @throws a CliError when it cannot be read */
export function contextOfProject(): Record<string, unknown> {
  const file = join(project, 'cdk.json');
  if (!existsSync(file)) return {};
  try {
    return jsonIn<{ context?: Record<string, unknown> } | null>(file)?.context ?? {};
  } catch (error) {
    throw error instanceof SyntaxError ? new CliError(`${file} is not JSON: ${error.message}.`) : error;
  }
}
