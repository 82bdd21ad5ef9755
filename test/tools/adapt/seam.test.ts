import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DIALECT, LARGE, root, SEAM } from './seam.ts';

/** Beside the seam: which settings there are, and the variables that functions get them by. */
const SETTINGS = [
  ...[
    'lib/settings/settings.ts',
    'lib/settings/props.ts',
    'lib/model-studio-jobs.ts',
    'functions/core/variables.ts',
  ],
  ...['functions/edge/settings.ts', 'lib/http/api.ts'],
];

/** What only ModelStudio's API has. The name itself is that of the port, of public codes and of resources. */
const WORDS = [
  ...['api/v1', 'organization', 'generate\\b', 'job_status', 'task_index'],
  ...["(\\.|\\[')messages\\b", 'messages:', 'conversation', 'image_url', 'temperature', 'max_tokens'],
];

/** Where the name is in texts that clients, receivers or operators see. */
const NAMES = [
  'core/http/problem.ts',
  'core/metrics.ts',
  'core/upstream/report.ts',
  'edge/queues-and-buses.ts',
  'edge/user-agent.ts',
];

const seam = SEAM.map((file) => `functions/${file}`);
const dialect = DIALECT.map((file) => `functions/${file}`);
const large = LARGE.map((file) => `functions/${file}`);
const speaking = [...seam, ...dialect, ...large, ...SETTINGS];
const others = globSync('{functions,lib}/**/*.ts', { cwd: root })
  .filter((path) => !speaking.includes(path))
  .sort();

/** Without comments, which may speak of anything. */
function codeOf(path: string): string {
  const text = readFileSync(join(root, path), 'utf8');
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

describe('no file knows a word of the provider’s API,', () => {
  it('except for the files of the seam and the settings', () => {
    const spoken = speaking.map(codeOf).join('\n');
    for (const word of WORDS) expect(spoken).toMatch(new RegExp(word, 'i'));
    expect(others.length).toBeGreaterThan(50);
  });

  it.each(others)('as in %s', (path) => {
    expect(codeOf(path).match(new RegExp(WORDS.join('|'), 'gi')) ?? []).toEqual([]);
  });
});

it('only a few texts of functions/ have the provider’s name in them', () => {
  const named = others.filter((path) => {
    const texts = codeOf(path).match(/'[^'\n]*'|"[^"\n]*"|`[^`]*`/g) ?? [];
    return path.startsWith('functions/') && texts.some((text) => /ModelStudio|modelstudio-/.test(text));
  });
  expect(named).toEqual(NAMES.map((file) => `functions/${file}`));
});

it('docs/adapt.md says which files these are', () => {
  const [, table = ''] = readFileSync(join(root, 'docs/adapt.md'), 'utf8').split(/<!-- \/?seam -->/);
  const paths = table.match(/`(?:functions|lib)\/[^`]+\.ts`/g)?.map((path) => path.slice(1, -1));
  expect([...new Set(paths)].sort()).toEqual(speaking.toSorted());
  const counted = [...table.matchAll(/`functions\/([^`]+)`.*\| (\d+) lines \|/g)];
  expect(counted).toHaveLength(seam.length);
  for (const [, file = '', lines] of counted) {
    const { length } = readFileSync(join(root, 'test/tools/adapt/predictions', file), 'utf8')
      .trimEnd()
      .split('\n');
    expect(`${file}: ${length}`).toBe(`${file}: ${lines}`);
  }
});
