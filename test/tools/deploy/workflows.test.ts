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
