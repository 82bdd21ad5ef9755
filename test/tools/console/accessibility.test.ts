import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { call, type LocalSystem, startLocally, submission } from '../blackbox/system.ts';
import { describeInBrowser, launch, openConsole, PATIENCE } from './browser.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let system: LocalSystem;
let browser: Browser;

describeInBrowser('the accessibility check of the console', () => {
  beforeAll(async () => {
    [system, browser] = await Promise.all([startLocally(), launch()]);
    const jobs = [
      'sandbox-batch',
      'sandbox-task-errors',
      'sandbox-fails',
      'sandbox-never',
      'sandbox-instant',
    ];
    for (const model of jobs) {
      const body = { ...submission(model, 'one', 'two'), webhook_url: system.webhook_inbox_url };
      expect((await call(system, 'POST', '/v1/jobs', body)).status).toBe(202);
    }
  }, 120_000);
  afterAll(async () => {
    await Promise.all([system?.stop(), browser?.close()]);
  });

  /** Each fault that is serious or worse, with where it is. */
  async function faultsOn(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    // biome-ignore lint/suspicious/noExplicitAny: axe's own shape
    const { violations } = await page.evaluate<any>(`axe.run({ resultTypes: ['violations'] })`);
    const isGrave = ({ impact }: { impact: string }) => impact === 'serious' || impact === 'critical';
    return (
      violations
        .filter(isGrave)
        // biome-ignore lint/suspicious/noExplicitAny: axe's own shape
        .map(({ id, nodes }: any) => `${id}: ${nodes.map(({ html }: any) => html.slice(0, 160)).join(' | ')}`)
    );
  }

  // The colors are those of the scheme at any width, and what is where is the same in both schemes.
  it.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)(
    'finds nothing serious: %s, %d pixels wide',
    async (scheme, width) => {
      const { page } = await openConsole(browser, system.console_url, { scheme, width });
      const found: Record<string, string[]> = {};
      const look = async (what: string) => {
        const faults = await faultsOn(page);
        if (faults.length > 0) found[what] = faults;
      };
      const row = page.locator('button.row').filter({ hasText: 'sandbox-instant' });
      await expect.poll(() => row.innerText(), { timeout: PATIENCE }).toMatch(/webhook\s+delivered/);
      await look('the list');
      await row.click();
      for (const name of ['Timeline', 'Results', 'Webhook', 'Request', 'Code']) {
        await page.getByRole('tab', { name }).click();
        if (name === 'Code') await page.locator('pre.code:not(:empty)').waitFor();
        await look(name);
      }
      await page.keyboard.press('Escape');
      await page.keyboard.press('n');
      await page.getByRole('dialog').getByText('Options').click();
      await look('the form');
      await page.goto(`${system.console_url}docs`);
      await look('the reference');
      await page.close();
      expect(found).toEqual({});
    },
    180_000,
  );

  it.each([320, 390, 768, 1280])('finds nothing that scrolls sideways: %d pixels wide', async (width) => {
    const { page } = await openConsole(browser, system.console_url, { width });
    await page.locator('button.row').first().waitFor();
    const sideways = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(sideways)).toBe(0);
    await page.locator('button.row').first().click();
    await page.locator('#detail').waitFor();
    expect(await page.evaluate(sideways)).toBe(0);
    await page.close();
  });
});
