import { isPackage } from '../commands/project.ts';

/** The version that the functions have in AWS, and without which the emulators do not start. */
const NODE = 24;

/** @returns a sentence for whoever has to install something; null: all is there */
function whatIsMissing(): string | null {
  if (Number.parseInt(process.versions.node, 10) < NODE)
    return `The local system needs Node ${NODE}, and this is ${process.versions.node}: use npm start, with the package node among the devDependencies, as init writes them.`;
  const missing = ['dynalite', 'fauxqs', 'aws-cdk-lib'].filter((name) => !isThere(name));
  if (missing.length === 0) return null;
  return `The local system needs ${missing.join(' and ')} among the devDependencies, as init writes them.`;
}

function isThere(name: string): boolean {
  try {
    return import.meta.resolve(name) !== '';
  } catch {
    return false;
  }
}

const missing = isPackage ? whatIsMissing() : null;
if (missing === null) await import('../local/start.ts');
else {
  process.stderr.write(`${missing}\n`);
  process.exitCode = 1;
}
