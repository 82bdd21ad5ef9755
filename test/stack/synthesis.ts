import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Construct, type IConstruct } from 'constructs';
import { vi } from 'vitest';
import { ModelStudioJobs, type ModelStudioJobsProps } from '../../lib/index.ts';
import { readSettings } from '../../lib/settings/read-settings.ts';
import { ModelStudioJobsStack } from '../../lib/stack.ts';

const cdkJson = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8'));

/** The folders of bundles that nobody has removed. */
export const bundles = new Set<string>();

// Of all that a synthesis does, bundling takes longest, and no test of the stack looks into a bundle.
vi.mock('../../lib/stages/bundle.ts', () => ({
  KEYS: 'keys',
  bundleFunctions() {
    const root = temporaryFolder();
    bundles.add(root);
    const folderOf = (name: string) => {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'index.js'), `// ${name}\n`);
      return join(root, name);
    };
    const done = () => {
      remove(root);
      bundles.delete(root);
    };
    return { folderOf, remove: done };
  },
}));

/** Makes the app as `cdk synth` does. What it writes is gone when the judgement is made. */
export function judge<T>(
  context: Record<string, unknown>,
  judgement: (jobs: ModelStudioJobs, app: App) => T,
): T {
  const outdir = temporaryFolder();
  try {
    const { app, stack } = define(context, outdir);
    return judgement(stack.jobs, app);
  } finally {
    remove(outdir);
  }
}

function define(context: Record<string, unknown>, outdir: string) {
  const told = 'alarmTopicArn' in context ? {} : { alarmEmail: 'ops@example.com' };
  const app = new App({ outdir, context: { ...cdkJson.context, ...told, ...context } });
  const settings = readSettings(app.node.getAllContext());
  return { app, stack: new ModelStudioJobsStack(app, settings.stackName, { settings }) };
}

/** A folder that `cdk deploy --app` takes, with functions that do nothing. */
export function assemble(context: Record<string, unknown>, outdir: string): string {
  return define({ organizationId: 'org_test', ...context }, outdir).app.synth().directory;
}

export function synthesize(context: Record<string, unknown> = { organizationId: 'org_test' }): Template {
  return judge(context, (jobs) => Template.fromStack(Stack.of(jobs)));
}

const PROPS: ModelStudioJobsProps = { organizationId: 'org_test', alarmEmail: 'ops@example.com' };

/** An adopter's app, without any of this one's flags. */
export function inApp<T>(judgement: (app: App) => T, context: Record<string, unknown> = {}): T {
  const outdir = temporaryFolder();
  try {
    return judgement(new App({ outdir, context }));
  } finally {
    remove(outdir);
  }
}

/** A deployment in an adopter's stack, whose path may lead through other constructs. */
export function addJobs(stack: Stack, path: string, props: ModelStudioJobsProps = {}): ModelStudioJobs {
  const [id = '', ...scopes] = path.split('/').reverse();
  const scope = scopes.reduceRight<Construct>(
    (outer, name) => (outer.node.tryFindChild(name) ?? new Construct(outer, name)) as Construct,
    stack,
  );
  return new ModelStudioJobs(scope, id, { ...PROPS, ...props });
}

/** Of an adopter's stack with deployments at these paths. */
export function templateWith(paths: string[], props?: ModelStudioJobsProps) {
  return inApp((app) => {
    const stack = new Stack(app, 'Shop');
    for (const path of paths) addJobs(stack, path, props);
    return Template.fromStack(stack).toJSON();
  });
}

/** A construct of the deployment, by its path. */
export function constructAt<T extends IConstruct>({ node }: Construct, path: string): T {
  const found = node.findAll().find((construct) => construct.node.path === `${node.path}/${path}`);
  if (!found) throw new Error(`The deployment has no construct ${path}`);
  return found as T;
}

const temporaryFolder = () => mkdtempSync(join(tmpdir(), 'modelstudio-jobs-test-'));
const remove = (folder: string) => rmSync(folder, { recursive: true, force: true });
