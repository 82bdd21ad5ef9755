import { expect, it } from 'vitest';
import { synthesize } from '../../../tools/local/synthesize.ts';
import { describeWith, PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';

/** CDK makes some resources wait for others that they refer to anyway. */
const OBSOLETE_DEPENDS_ON = 'W3005';

await describeWith('cfn-lint', ['cfn-lint', '--version'], 'cfn-lint', () => {
  it('has nothing to say about the template', { timeout: PATIENCE_MILLIS }, async () => {
    const template = await synthesize();
    const { stdout, stderr } = await run('cfn-lint', [
      '--ignore-checks',
      OBSOLETE_DEPENDS_ON,
      '--',
      template,
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  });
});
