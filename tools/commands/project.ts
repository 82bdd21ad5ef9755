import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Whether this is the published package in somebody's node_modules, and not a clone. */
export const isPackage = import.meta.url.endsWith('.js');

/** Of the clone, or of the built package. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The folder whose cdk.json is deployed: npm runs scripts in it. */
export const project = isPackage ? process.cwd() : root;

/** What commands make and find again. */
export const made = join(project, isPackage ? 'node_modules/.cache/modelstudio-jobs' : 'dist');

/** The settings, and CDK's own flags; none where there is no cdk.json. */
export function contextOfProject(): Record<string, unknown> {
  const file = join(project, 'cdk.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).context ?? {}) : {};
}
