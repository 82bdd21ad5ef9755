import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { call, startLocally, submission } from '../blackbox/system.ts';
import { launch, openConsole } from './browser.ts';

/** Takes the pictures of docs/pictures anew: `node test/tools/console/pictures.ts`. */
const folder = fileURLToPath(new URL('../../../docs/pictures/', import.meta.url));
/** The one whose polls fail. */
const TROUBLED = 'sandbox-flaky';
/** The one that finds its receiver down. */
const RETRIED = 'sandbox-task-errors';
const MODELS = [
  'sandbox-never',
  'sandbox-30s',
  TROUBLED,
  RETRIED,
  'sandbox-fails',
  'sandbox-instant',
  'sandbox-batch',
];

mkdirSync(folder, { recursive: true });
const [system, browser] = await Promise.all([
  startLocally({ WEBHOOK_RETRY_SCHEDULE_SECONDS: '0,4,8,12' }),
  launch(),
]);
try {
  const begin = async (model: string, prompts: number) => {
    const body = submission(model, ...Array.from({ length: prompts }, (_, i) => `Prompt ${i + 1}`));
    await call(system, 'POST', '/v1/jobs', { ...body, webhook_url: system.webhook_inbox_url });
  };
  const setReceiverDown = (on: boolean) =>
    fetch(`${system.console_url}switches`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'receiver_down', on }),
    });
  for (const model of MODELS) {
    await setReceiverDown(model === RETRIED);
    await begin(model, model === 'sandbox-batch' ? 12 : 2);
    await new Promise((resolve) => setTimeout(resolve, 2500));
  }
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 390]) {
      const { page } = await openConsole(browser, system.console_url, { scheme, width });
      await page.locator('button.row').first().waitFor();
      await page.waitForTimeout(700);
      if (width > 500)
        await page.locator(`li:has-text("${TROUBLED}") .mark.trouble`).nth(1).hover({ force: true });
      await page.screenshot({ path: `${folder}console-${scheme}-${width}.png` });
      if (scheme === 'light' && width === 1280) {
        await page.locator('button.row').filter({ hasText: RETRIED }).click();
        await page.mouse.move(0, 0);
        await page.waitForTimeout(1000);
        await page.screenshot({ path: `${folder}console-detail-1280.png` });
      }
      await page.close();
    }
  }
} finally {
  await Promise.all([system.stop(), browser.close()]);
}
