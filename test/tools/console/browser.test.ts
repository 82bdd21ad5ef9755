import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { type LocalSystem, startLocally } from '../blackbox/system.ts';
import { describeInBrowser, launch, openConsole, PATIENCE } from './browser.ts';

/** A gray pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

let system: LocalSystem;
let browser: Browser;
let page: Page;
let complaints: string[];
/** What the browser itself says of an answer that a test asked for. */
const REFUSED_JOB =
  /^Failed to load resource: .* status of (400|429|503) .*\/api\/[^/]+\/v1\/jobs(\/[^/]+\/redeliver)?$/;

describeInBrowser('the console in a browser', () => {
  beforeAll(async () => {
    const retries = { WEBHOOK_RETRY_SCHEDULE_SECONDS: `0${',1'.repeat(30)}` };
    [system, browser] = await Promise.all([startLocally(retries), launch()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([system?.stop(), browser?.close()]);
  });
  beforeEach(async () => {
    ({ page, complaints } = await openConsole(browser, system.console_url));
  });
  afterEach(async () => {
    await page.close();
    // What ModelStudio or the API refuses on purpose is a failed resource to the browser.
    expect(complaints.filter((text) => !REFUSED_JOB.test(text))).toEqual([]);
  });

  /** Submits by the form, and answers with the row of the job. */
  async function submit(fill: (form: ReturnType<Page['locator']>) => Promise<unknown>) {
    await page.getByRole('button', { name: 'New job' }).click();
    const form = page.getByRole('dialog');
    await fill(form);
    const answered = page.waitForResponse(
      (response) => response.request().method() === 'POST' && response.url().endsWith('/v1/jobs'),
    );
    await form.getByRole('button', { name: 'Submit' }).click();
    const { job_id } = (await (await answered).json()) as { job_id: string };
    await form.waitFor({ state: 'hidden' });
    const row = page.locator(`button.row[data-id="${job_id}"]`);
    await row.waitFor();
    return row;
  }

  const text = (locator: ReturnType<Page['locator']>) =>
    expect.poll(() => locator.innerText(), { timeout: PATIENCE });
  const detail = () => page.locator('#detail');
  const tab = (name: string) => page.getByRole('tab', { name }).click();
  const toggle = (name: string) => page.getByRole('switch', { name }).click();

  it('submits one prompt, follows it to its end, and shows its results and its verified webhook', async () => {
    const row = await submit((form) => form.getByLabel('Prompt').fill('Say "hi" & <b>bye</b>'));
    await text(row).toMatch(/completed[\s\S]*webhook\s+delivered/);
    await row.click();
    await tab('Results');
    await text(detail()).toContain('"Say "hi" & <b>bye</b>"');
    await tab('Webhook');
    await text(detail()).toMatch(/204[\s\S]*job\.completed[\s\S]*signature verified[\s\S]*webhook-id: msg_/);
    await tab('Request');
    await text(detail()).toContain('"model_id": "sandbox-instant"');
    await tab('Code');
    await page.getByLabel('Language').selectOption('python');
    await text(detail().locator('pre.code')).toContain('import');
  });

  it('opens a job on its timeline, and explains each mark of a row with its time', async () => {
    const row = await submit((form) => form.getByLabel('Prompt').fill('when?'));
    await text(row).toMatch(/webhook\s+delivered/);
    const tip = page.getByRole('tooltip');
    await row.locator('.mark.end').hover({ force: true });
    await text(tip).toMatch(/Completed[\s\S]*found by poll \d[\s\S]*\d\d:\d\d:\d\d\.\d{3}/);
    await page.getByLabel('Search jobs').hover();
    expect(await tip.isHidden()).toBe(true);
    await row.click();
    const titles = () => detail().locator('.timeline b').allInnerTexts();
    await expect.poll(async () => (await titles()).length, { timeout: PATIENCE }).toBeGreaterThanOrEqual(4);
    expect((await titles()).join()).toMatch(/^Submitted,(Poll .*)?Completed,.*Webhook attempt 1: delivered/);
    expect(await detail().locator('.timeline time').first().innerText()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}$/);
  });

  it('cuts off no mark, whether a track fits its job or shows the last seconds of all jobs', async () => {
    const row = await submit((form) => form.getByLabel('Model').selectOption('sandbox-never'));
    await row.locator('.mark.poll').first().waitFor();
    const id = await row.getAttribute('data-id');
    const areMarksInside = () =>
      page.evaluate(`(() => {
        const [window, ...marks] = document.querySelectorAll('[data-id="${id}"] :is(.window, .mark:not([hidden]))');
        const { left, right } = window.getBoundingClientRect();
        const places = marks.map((mark) => mark.getBoundingClientRect());
        return places.every((place) => place.left >= left && place.right <= right);
      })()`);
    expect(await areMarksInside()).toBe(true);
    await page.getByLabel('Time shown').selectOption('Last 30 s');
    expect(await page.locator('#axis').innerText()).toMatch(/−30 s\s*−20 s\s*−10 s\s*now/);
    expect(await areMarksInside()).toBe(true);
    await row.click();
    await detail().locator('#cancel').click();
    await text(row).toContain('cancelled');
  });

  it('shows a batch by its progress, and each poll with its wait', async () => {
    const row = await submit(async (form) => {
      await form.getByText('Batch', { exact: true }).click();
      await form.getByLabel('Prompts, one on each line').fill('one\ntwo\nthree');
      await form.getByLabel('Model').selectOption('sandbox-batch');
    });
    await text(row).toMatch(/of 3/);
    await row.click();
    await text(detail()).toMatch(/Poll 2: \d of 3 done\s+after \d/);
    await text(row).toMatch(/completed[\s\S]*3 of 3/);
  });

  it('shows results that are too large for the job itself', async () => {
    const prompts = Array.from({ length: 1000 }, (_, i) => `${i} ${'x'.repeat(300)}`);
    const row = await submit(async (form) => {
      await form.getByText('Batch', { exact: true }).click();
      await form.getByLabel('Prompts, one on each line').fill(prompts.join('\n'));
      await form.getByLabel('Model').selectOption('sandbox-instant');
    });
    await text(row).toContain('1000 of 1000');
    await row.click();
    await tab('Results');
    await text(detail()).toMatch(/The first 200 of 1000; all of them: http[\s\S]*Conversation 199/);
  });

  it('accepts a conversation of several turns, and an image from the disk', async () => {
    const turns = await submit(async (form) => {
      await form.getByText('Conversation', { exact: true }).click();
      await form.getByLabel('Text of turn 2').fill('Who are you?');
      await form.getByRole('button', { name: 'Add a turn' }).click();
      await form.getByLabel('Text of turn 3').fill('I am Ada.');
      await form.getByRole('button', { name: 'Remove turn 3' }).click();
    });
    await text(turns).toContain('completed');
    const folder = mkdtempSync(join(tmpdir(), 'modelstudio-jobs-image-'));
    try {
      writeFileSync(join(folder, 'pixel.png'), PNG);
      const image = await submit(async (form) => {
        await form.getByText('Image', { exact: true }).click();
        await form.getByLabel('Image', { exact: true }).last().setInputFiles(join(folder, 'pixel.png'));
      });
      await text(image).toMatch(/completed[\s\S]*sandbox-vision/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('uploads a file from the disk, and makes one job of its lines', async () => {
    const line = '[{"role":"user","content":"from the file"}]';
    const file = {
      name: 'data.jsonl',
      mimeType: 'application/jsonl',
      buffer: Buffer.from(`${line}\n${line}\n`),
    };
    const row = await submit(async (form) => {
      await form.getByText('File', { exact: true }).click();
      await form.getByLabel('Conversations, one on each line').setInputFiles(file);
      await form.getByLabel('Model').selectOption('sandbox-instant');
    });
    await text(row).toMatch(/completed[\s\S]*sandbox-instant[\s\S]*2 of 2/);
  });

  it('no longer shows a job that is deleted', async () => {
    const row = await submit((form) => form.getByLabel('Prompt').fill('forget me'));
    await text(row).toMatch(/completed[\s\S]*webhook\s+delivered/);
    await row.click();
    const headers = { authorization: `Bearer ${system.client_keys[0]}` };
    const path = `/v1/jobs/${await row.getAttribute('data-id')}`;
    const remove = () => fetch(`${system.api_url}${path}`, { method: 'DELETE', headers });
    await expect.poll(async () => (await remove()).status).toBe(204);
    await row.waitFor({ state: 'detached' });
    await detail().waitFor({ state: 'hidden' });
  });

  it('names the lines of a file that are at fault', async () => {
    const file = { name: 'data.jsonl', mimeType: 'application/jsonl', buffer: Buffer.from('[]\nhello\n') };
    const row = await submit(async (form) => {
      await form.getByText('File', { exact: true }).click();
      await form.getByLabel('Conversations, one on each line').setInputFiles(file);
    });
    await text(row).toContain('failed');
    await row.click();
    await tab('Results');
    await text(detail()).toMatch(/invalid_input[\s\S]*Line 1: [\s\S]*Line 2: /);
  });

  it('keeps what was typed while another kind of prompt is shown', async () => {
    await page.keyboard.press('n');
    const form = page.getByRole('dialog');
    await form.getByText('Single', { exact: true }).click();
    await form.getByLabel('Prompt').fill('keep me');
    await form.getByText('Batch', { exact: true }).click();
    await form.getByLabel('Prompts, one on each line').fill('and\nme');
    await form.getByText('Single', { exact: true }).click();
    expect(await form.getByLabel('Prompt').inputValue()).toBe('keep me');
    await form.getByText('Batch', { exact: true }).click();
    expect(await form.getByLabel('Prompts, one on each line').inputValue()).toBe('and\nme');
    await form.getByText('Single', { exact: true }).click();
    await page.keyboard.press('Escape');
    await form.waitFor({ state: 'hidden' });
  });

  it('shows a fault next to its field', async () => {
    await page.keyboard.press('n');
    const form = page.getByRole('dialog');
    await form.getByText('Options').click();
    await form.getByLabel('Temperature').fill('7');
    await form.getByLabel('Webhook URL').fill('ftp://example.com');
    await form.getByRole('button', { name: 'Submit' }).click();
    await text(form.locator('#f-problem')).toContain('400 invalid_request');
    await text(form.locator('#e-temperature')).toMatch(/1/);
    await text(form.locator('#e-webhook_url')).toMatch(/http/);
    await page.keyboard.press('Escape');
    await form.waitFor({ state: 'hidden' });
  });

  it('shows how a webhook is tried again when the receiver is back, and delivers it once more', async () => {
    await toggle('The receiver is down');
    const row = await submit((form) => form.getByLabel('Prompt').fill('retry me'));
    await text(row).toMatch(/webhook\s+retrying/);
    await row.click();
    await tab('Webhook');
    await text(detail()).toContain('503');
    await toggle('The receiver is down');
    await text(detail()).toMatch(/delivered[\s\S]*signature verified/);
    await page.getByRole('button', { name: 'Redeliver webhook' }).click();
    const received = detail().locator('article.result');
    await expect.poll(() => received.count(), { timeout: PATIENCE }).toBe(2);
    const ids = (await received.allInnerTexts()).map((shown) => /webhook-id: (\S+)/.exec(shown)?.[1]);
    expect(new Set(ids).size).toBe(1);
    await page.getByRole('button', { name: 'Redeliver webhook' }).click();
    await text(detail()).toMatch(/redelivered less than 60 seconds ago\. Try again in \d+/);
    expect(await received.count()).toBe(2);
  });

  it('counts the webhooks of your own receiver, and opens a job on its webhook if that did not arrive', async () => {
    const receiver = createServer((request, response) => {
      response.writeHead(request.url === '/gone' ? 410 : 204).end();
    });
    receiver.listen(0, '127.0.0.1');
    onTestFinished(() => void receiver.close());
    await once(receiver, 'listening');
    const { port } = receiver.address() as AddressInfo;
    const submitTo = (path: string) =>
      submit(async (form) => {
        await form.getByText('Options').click();
        await form.getByLabel('Webhook URL').fill(`http://127.0.0.1:${port}${path}`);
      });
    const figure = (name: string) =>
      page.locator('#figures div').filter({ hasText: name }).locator('dd b').innerText();
    // They come up a moment after the rows.
    const rows = await page.locator('button.row').count();
    const running = page.locator('#figures div').filter({ hasText: 'Running' }).locator('small');
    await text(running).toMatch(new RegExp(`^of ${rows} jobs?$`));
    const before = Number(await figure('Webhooks'));
    const good = await submitTo('/');
    await text(good).toMatch(/webhook\s+delivered/);
    await expect.poll(() => figure('Webhooks'), { timeout: PATIENCE }).toBe(String(before + 1));
    const bad = await submitTo('/gone');
    await text(bad).toMatch(/webhook\s+gone/);
    await bad.click();
    const selected = () => page.getByRole('tab', { selected: true }).innerText();
    expect(await selected()).toBe('Webhook');
    await text(detail()).toContain('410');
    await good.click();
    expect(await selected()).toBe('Timeline');
  });

  it('cancels a job that would never end', async () => {
    const row = await submit((form) => form.getByLabel('Model').selectOption('sandbox-never'));
    await text(row).toContain('running');
    await row.click();
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await text(row).toContain('cancelled');
  });

  it('shows how a job waits while ModelStudio is down, and is taken when it is back', async () => {
    await toggle('ModelStudio is down');
    const row = await submit((form) => form.getByLabel('Prompt').fill('wait for me'));
    await text(row).toContain('queued');
    await row.click();
    await text(detail()).toContain('until ModelStudio takes it');
    await toggle('ModelStudio is down');
    await text(row).toContain('completed');
    await text(detail()).toContain('ModelStudio took it');
  });

  it('submits with the same idempotency key as a job that waits, and gets that job', async () => {
    const form = page.getByRole('dialog');
    const submitWithKey = async () => {
      await page.getByRole('button', { name: 'New job' }).click();
      await form.getByLabel('Model').selectOption('sandbox-never');
      await form.getByText('Options').click();
      await form.getByLabel('Idempotency-Key').fill('queued-then-taken');
      await form.getByRole('button', { name: 'Submit' }).click();
    };
    await toggle('ModelStudio is down');
    await submitWithKey();
    await form.waitFor({ state: 'hidden' });
    const waiting = page.locator('li[data-status="queued"] > button');
    await expect.poll(() => waiting.count(), { timeout: PATIENCE }).toBe(1);
    const id = await waiting.getAttribute('data-id');
    await submitWithKey();
    await form.waitFor({ state: 'hidden' });
    expect(await waiting.count()).toBe(1);
    await toggle('ModelStudio is down');
    await expect
      .poll(() => page.getByRole('switch', { name: 'ModelStudio is down' }).getAttribute('aria-checked'))
      .toBe('false');
    await text(page.locator(`button.row[data-id="${id}"]`)).toMatch(/running[\s\S]*[1-9]\d* polls?/);
  });

  it('leaves a button in its place while the open job changes', async () => {
    const row = await submit((form) => form.getByLabel('Model').selectOption('sandbox-never'));
    await row.click();
    await text(detail()).toContain('Next poll');
    await page.evaluate('globalThis.button = document.querySelector("#cancel")');
    const looks = () => detail().locator('.timeline li').count();
    const before = await looks();
    await expect.poll(looks, { timeout: PATIENCE }).toBeGreaterThan(before);
    expect(await page.evaluate('globalThis.button === document.querySelector("#cancel")')).toBe(true);
    await detail().locator('#cancel').click();
    await text(row).toContain('cancelled');
  });

  it('ignores an old answer in a new form', async () => {
    const form = page.getByRole('dialog');
    const released = Promise.withResolvers<void>();
    await page.route('**/v1/jobs', async (route) => {
      if (route.request().method() === 'POST') await released.promise;
      await route.fallback();
    });
    await page.getByRole('button', { name: 'New job' }).click();
    await form.getByRole('button', { name: 'Submit' }).click();
    await text(form).toContain('Submitting…');
    await form.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'New job' }).click();
    await form.getByLabel('Prompt').fill('half a thought');
    released.resolve();
    await text(page.locator('#said')).toContain('Submitted');
    expect(await form.getByLabel('Prompt').inputValue()).toBe('half a thought');
    await form.getByRole('button', { name: 'Close' }).click();
    await page.unroute('**/v1/jobs');
  });

  it('says so when no job matches the search', async () => {
    await submit((form) => form.getByLabel('Prompt').fill('hi'));
    await page.getByLabel('Search jobs').fill('no such job');
    await text(page.locator('#nothing')).toContain('No job is like that');
    await page.getByLabel('Search jobs').fill('');
    expect(await page.locator('#nothing').isHidden()).toBe(true);
  });

  it('leaves the focus where it is while the open job changes', async () => {
    const row = await submit((form) => form.getByLabel('Model').selectOption('sandbox-never'));
    await row.click();
    expect(await row.getAttribute('aria-current')).toBe('true');
    await tab('Code');
    await page.getByLabel('Language').focus();
    await page.getByLabel('Language').selectOption('go');
    await text(detail().locator('pre.code')).toContain('package main');
    expect(await page.evaluate('document.activeElement.id')).toBe('code-language');
    await detail().locator('#cancel').press('Enter');
    await text(detail().locator('.head')).toMatch(/^cancelled/);
    await expect.poll(() => page.evaluate('document.activeElement.id')).toBe('detail-title');
  });

  it('can be searched, filtered and used by keyboard, and is the same after a reload', async () => {
    const row = await submit((form) => form.getByLabel('Prompt').fill('find me'));
    await text(row).toMatch(/completed[\s\S]*webhook\s+delivered/);
    const id = (await row.getAttribute('data-id')) ?? '';
    await page.keyboard.press('/');
    await page.keyboard.type(id);
    const shown = page.locator('#list > li:not([hidden])');
    await expect.poll(() => shown.count()).toBe(1);
    await page.getByLabel('Status').selectOption('failed');
    await expect.poll(() => shown.count()).toBe(0);
    await page.getByLabel('Status').selectOption('');
    await row.focus();
    await page.keyboard.press('Enter');
    await detail().waitFor();
    await page.keyboard.press('Escape');
    await detail().waitFor({ state: 'hidden' });
    expect(await page.evaluate("document.activeElement.getAttribute('data-id')")).toBe(id);
    const count = await page.locator('button.row').count();
    await page.reload();
    await expect.poll(() => page.locator('button.row').count(), { timeout: PATIENCE }).toBe(count);
    await text(page.locator(`button.row[data-id="${id}"]`)).toMatch(/completed[\s\S]*webhook\s+delivered/);
    const first = page.locator('button.row').first();
    await first.focus();
    await page.keyboard.press('ArrowDown');
    expect(await page.evaluate('document.activeElement.className')).toBe('row');
    expect(await page.evaluate('document.activeElement.parentElement.previousElementSibling !== null')).toBe(
      count > 1,
    );
    // However many rows there are, Tab leaves them at once, and comes back to the one it left.
    await page.keyboard.press('Shift+Tab');
    expect(await page.evaluate('document.activeElement.id')).toBe('window');
    await page.keyboard.press('Tab');
    expect(await page.evaluate("document.querySelectorAll('button.row:not([tabindex])').length")).toBe(1);
    expect(await page.evaluate('document.activeElement.className')).toBe('row');
  });
});
