import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Refusal } from '../../../clients/typescript/index.ts';
import { run } from '../../run.ts';
import { pageAt, root } from './pages.ts';

const page = pageAt('docs/client.md');

it('the TypeScript in docs/client.md passes the strict type check', { timeout: 60_000 }, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'client-page-'));
  context.onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const client = join(root, 'clients/typescript/index.ts');
  const codes = page.fences.filter(({ language }) => language === 'ts').map(({ text }) => text);
  expect(codes.length).toBeGreaterThan(3);
  const files = codes.map((_, i) => join(folder, `${i}.mts`));
  await Promise.all(
    codes.map((code, i) =>
      writeFile(files[i] as string, code.replaceAll("'modelstudio-jobs/client'", `'${client}'`)),
    ),
  );
  const flags =
    '--noEmit --ignoreConfig --strict --noUncheckedIndexedAccess --noPropertyAccessFromIndexSignature';
  const place = '--module nodenext --target es2022 --types node --allowImportingTsExtensions --skipLibCheck';
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const args = [tsc, ...flags.split(' '), ...place.split(' '), ...files];
  expect(await run(process.execPath, args, {}, '', folder)).toEqual({ code: 0, stdout: '', stderr: '' });
});

it('the page has every reason for which a webhook is refused', () => {
  const reasons: Record<Refusal, true> = {
    body_missing: true,
    body_parsed: true,
    body_rewritten: true,
    body_misread: true,
    header_missing: true,
    secret_missing: true,
    secret_malformed: true,
    signature_malformed: true,
    version_unknown: true,
    signature_mismatch: true,
    timestamp_malformed: true,
    clock_behind: true,
    too_old: true,
    not_an_event: true,
  };
  for (const reason of Object.keys(reasons)) expect(page.text).toContain(`\`${reason}\``);
});
