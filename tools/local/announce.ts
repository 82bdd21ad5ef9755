import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileOf, type Running } from '../commands/running.ts';
import type { Upstream } from './flags.ts';
import { ACCESS } from './stack/clients.ts';
import type { LocalStack } from './stack/stack.ts';
import { readSynthesizedStack, type Template } from './stack/template.ts';

/** What commands look for by its logical id. */
const TYPES = ['AWS::SQS::Queue', 'AWS::DynamoDB::Table'];

/**
 * Lets commands find a system by the port of its API.
 * @returns what takes it back, to be called before another system can have the port
 */
export function announce(
  { stack, upstream, clientKey }: { stack: LocalStack; upstream: Upstream; clientKey: string },
  templateFile: string,
): () => void {
  const { apiUrl, endpoints, outputs } = stack;
  const { baseUrl, organizationId, modelIds } = upstream;
  const { name: stackName, template } = readSynthesizedStack(templateFile);
  const running: Running = {
    apiUrl,
    stackName,
    clientKey,
    endpoints,
    access: ACCESS,
    outputs,
    resources: resourcesOf(stack, template),
    modelStudio: { baseUrl, organizationId, modelIds },
  };
  const file = fileOf(new URL(apiUrl).port);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(running), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}

function resourcesOf(stack: LocalStack, template: Template): Record<string, string> {
  const resources = Object.entries(template.Resources);
  const ids = resources.filter(([, { Type }]) => TYPES.includes(Type)).map(([id]) => id);
  return Object.fromEntries(ids.map((id) => [id, String(stack.resolve(id))]));
}
