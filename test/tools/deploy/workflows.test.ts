import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(`${root}/${path}`, 'utf8');
const { scripts } = JSON.parse(read('package.json'));

const workflows = globSync('.github/workflows/*.yml', { cwd: root }).map((path) => {
  const text = read(path).replace(/^\s*#.*$/gm, '');
  const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, match = '']) => match);
  return { path, text, all };
});

describe.each(workflows)('$path', ({ text, all }) => {
  it('runs only scripts that package.json has', () => {
    const needed = [...all(/\bnpm run (?:--?\S+ )*([\w:-]+)/g), ...all(/\bnpm (test|start)\b/g)];
    expect(needed.length).toBeGreaterThan(0);
    expect(needed.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('uses actions by their commit, and says which version that is', () => {
    const actions = all(/\buses: (.+)/g);
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('signs in to AWS by OIDC, without a stored key', () => {
    expect(text).toContain('id-token: write');
    expect(text).not.toMatch(/aws-(access-key-id|secret-access-key)|AWS_SECRET_ACCESS_KEY/);
  });

  it('deploys and compares the stack that the repository names', () => {
    for (const command of all(/\brun: (npx cdk (?:deploy|diff).*)/g)) {
      expect(command).toMatch(/\$\{STACK_NAME:\+-c "stackName=\$STACK_NAME"\}$/);
    }
  });

  it('inserts no event or variable into a script, where it could be code', () => {
    expect(all(/\brun: (.*)/g).filter((script) => script.includes('${{'))).toEqual([]);
  });
});

it('there are workflows', () => {
  expect(workflows.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['.github/workflows/ci.yml', '.github/workflows/deploy.yml']),
  );
});

/** The jobs of a workflow, as they are written. */
const jobsOf = (path: string) =>
  read(path)
    .split(/^(?= {2}[a-z]+:$)/m)
    .filter((job) => job.includes('runs-on:'));

it.each(['deploy', 'release'])(
  'what %s.yml signs in for is protected by an environment, and tested by a job without rights',
  (name) => {
    const jobs = jobsOf(`.github/workflows/${name}.yml`);
    const signing = jobs.filter((job) => job.includes('id-token: write'));
    expect(signing.length).toBe(1);
    for (const job of signing) expect(job).toMatch(/^ {4}needs: \w+$[\s\S]*^ {4}environment: \w+$/m);
    for (const job of jobs.filter((other) => !signing.includes(other)))
      expect(/permissions:\n((?: {6}.*\n)+)/.exec(job)?.[1] ?? job).toBe('      contents: read\n');
    expect(signing.filter((job) => /npm (test|run check)/.test(job))).toEqual([]);
  },
);

it('the job that publishes has nothing but the tarball, and runs none of its code', () => {
  const publishing = jobsOf('.github/workflows/release.yml').filter((job) => job.includes('npm publish'));
  expect(publishing.length).toBe(1);
  expect(publishing[0]).toMatch(/npm publish .* --ignore-scripts$/m);
  expect(publishing[0]).not.toMatch(/checkout|npm (ci|install|run)|secrets\./);
});
