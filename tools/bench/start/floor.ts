import { join } from 'node:path';
import { type BuildOptions, buildSync } from 'esbuild';
import { bundling, type FunctionName, handlerOf } from '../../../lib/stages/bundle.ts';

const CLIENT = /node_modules\/(@aws-sdk\/client-[a-z0-9-]+)\/dist-es\/([A-Za-z0-9]+Client)\.js$/;

/** The SDK's clients in the bundle of a file: `[package, class]`. */
export function clientsOf(file: string): [string, string][] {
  const { metafile } = buildSync({
    ...bundling,
    entryPoints: [file],
    write: false,
    outdir: '.',
    metafile: true,
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return inputs.flatMap(([input, { bytesInOutput }]) => {
    const [, from, client] = CLIENT.exec(input) ?? [];
    return from && client && bytesInOutput > 0 ? [[from, client] satisfies [string, string]] : [];
  });
}

/** Beside the functions' own, the floor has the SDK's code for streams of events. */
export const { '@smithy/core/event-streams': _, ...floorAlias } = bundling.alias;

/** Bundles, much as a function is, what makes these clients and does nothing else; answers the file. */
export function bundleFloor(clients: [string, string][], outdir: string): string {
  const imports = clients.map(([from, client]) => `import { ${client} } from '${from}';`);
  const made = clients.map(([, client]) => `new ${client}()`);
  const contents = [...imports, `export const handler = [${made.join(', ')}];`].join('\n');
  const outfile = join(outdir, 'index.js');
  buildSync({
    ...bundling,
    alias: floorAlias,
    stdin: { contents, resolveDir: bundling.absWorkingDir },
    outfile,
  });
  return outfile;
}

/** Bundles a function otherwise than it is deployed; answers the file. */
export function bundleOtherwise(name: FunctionName, options: BuildOptions, outdir: string): string {
  const outfile = join(outdir, options.format === 'esm' ? 'index.mjs' : 'index.js');
  buildSync({ ...bundling, ...options, entryPoints: [handlerOf(name)], outfile });
  return outfile;
}
