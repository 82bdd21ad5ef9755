// CDK may find the machine's own Node, which may be too old for TypeScript, instead of this project's.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const node24 = at(`../node_modules/node/bin/node${process.platform === 'win32' ? '.exe' : ''}`);

if (process.features.typescript) {
  await import('./app.ts');
} else if (existsSync(node24)) {
  process.exitCode = spawnSync(node24, [at('app.ts')], { stdio: 'inherit' }).status ?? 1;
} else {
  process.stderr.write(
    `Node ${process.versions.node} is too old: run \`npm ci\`, which brings Node 24, then \`npx cdk\`.\n`,
  );
  process.exitCode = 1;
}
