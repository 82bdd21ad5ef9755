import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface TemplateResource {
  Type: string;
  Properties?: Record<string, unknown>;
  Condition?: string;
}

export interface Template {
  Resources: Record<string, TemplateResource>;
  Parameters?: Record<string, { Type: string; Default?: unknown }>;
  Conditions?: Record<string, unknown>;
  Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  Outputs?: Record<string, { Value: unknown; Condition?: string }>;
}

export interface SynthesizedStack {
  name: string;
  template: Template;
  /** The directory that holds the code published under an asset's object key. */
  assetDirectory(objectKey: string): string;
  /** Construct path without the stack's own name and `Default`, by logical id: `Poll/Function/Resource`. */
  constructPaths: Record<string, string>;
}

interface AssetManifest {
  files?: Record<string, { source: { path: string }; destinations: Record<string, { objectKey: string }> }>;
}

type ConstructMetadata = Record<string, { type: string; data?: unknown }[]>;

const TEMPLATE_SUFFIX = '.template.json';

export function readSynthesizedStack(templateFile: string): SynthesizedStack {
  if (!templateFile.endsWith(TEMPLATE_SUFFIX)) {
    throw new Error(
      `${templateFile} is not a synthesized template: its name must end with ${TEMPLATE_SUFFIX}`,
    );
  }
  const name = path.basename(templateFile, TEMPLATE_SUFFIX);
  const directory = path.resolve(path.dirname(templateFile));
  const sibling = (suffix: string) => path.join(directory, `${name}.${suffix}.json`);
  const directories = assetDirectories(readJsonIfPresent<AssetManifest>(sibling('assets')) ?? {}, directory);
  return {
    name,
    template: readJson<Template>(templateFile),
    assetDirectory: (objectKey) => {
      const found = directories.get(objectKey);
      if (!found) throw new Error(`${sibling('assets')} names no asset with the object key ${objectKey}`);
      return found;
    },
    constructPaths: constructPaths(readJsonIfPresent<ConstructMetadata>(sibling('metadata')) ?? {}),
  };
}

function assetDirectories(manifest: AssetManifest, directory: string): Map<string, string> {
  return new Map(
    Object.values(manifest.files ?? {}).flatMap(({ source, destinations }) =>
      Object.values(destinations).map(
        ({ objectKey }) => [objectKey, path.join(directory, source.path)] as const,
      ),
    ),
  );
}

function constructPaths(metadata: ConstructMetadata): Record<string, string> {
  const paths: Record<string, string> = {};
  for (const [constructPath, entries] of Object.entries(metadata)) {
    for (const { type, data } of entries) {
      if (type === 'aws:cdk:logicalId')
        paths[String(data)] = constructPath.replace(/^\/[^/]*\/(Default\/)?/, '');
    }
  }
  return paths;
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

function readJsonIfPresent<T>(file: string): T | undefined {
  return existsSync(file) ? readJson<T>(file) : undefined;
}
