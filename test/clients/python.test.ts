import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../needs.ts';
import { run } from '../run.ts';

const folder = fileURLToPath(new URL('python', import.meta.url));
const isNewEnough = 'import sys; sys.exit(sys.version_info < (3, 9))';

await describeWith('Python 3.9', ['python3', '-c', isNewEnough], 'the Python client', () => {
  it('passes its own tests, without a warning', async () => {
    const args = ['-B', '-W', 'error', '-m', 'unittest', 'discover', '-s', folder];
    const { code, stderr } = await run('python3', args);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/\nRan \d\d tests .*\n\nOK\n$/),
    });
  });
});
