import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { run } from '../../run.ts';

const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

it("the page's scripts pass the type check", async () => {
  const ran = await run(at('node_modules/.bin/tsc'), ['-p', at('tools/local/console/page')]);
  expect(ran).toEqual({ code: 0, stdout: '', stderr: '' });
});
