import { expect, it } from 'vitest';
import { synthesize } from '../../../tools/local/synthesize.ts';
import { PATIENCE_MILLIS } from '../../needs.ts';
import { run } from '../../run.ts';

/** CDK makes some resources wait for others that they refer to anyway. */
const OBSOLETE_DEPENDS_ON = 'W3005';

/** A program of Python that takes seconds to read CloudFormation's schemas: CFN_LINT=yes npx vitest run FILE */
const isAsked = process.env['CFN_LINT'] === 'yes';

it.runIf(isAsked)(
  'cfn-lint has nothing to say about the template',
  { timeout: PATIENCE_MILLIS },
  async () => {
    const template = await synthesize();
    const { stdout, stderr } = await run('cfn-lint', [
      '--ignore-checks',
      OBSOLETE_DEPENDS_ON,
      '--',
      template,
    ]);
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
  },
);
