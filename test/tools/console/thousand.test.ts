import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type System, startSystem } from '../../../tools/local/system.ts';
import { describeInBrowser, launch, openConsole } from './browser.ts';

const JOBS = 1000;
const POLLS = 5;
const LINES_PER_FRAME = 50;

/** In the page: what comes into the list and leaves it, what is announced, and how far its frames are apart. */
const WATCH = `
  globalThis.watched = { first: document.querySelector('#list > li'), added: 0, removed: 0, announced: [], intervals: [] };
  new MutationObserver((changes) => {
    for (const { addedNodes, removedNodes } of changes) {
      watched.added += addedNodes.length;
      watched.removed += removedNodes.length;
    }
  }).observe(document.querySelector('#list'), { childList: true });
  const said = document.querySelector('#said');
  new MutationObserver(() => watched.announced.push(said.textContent)).observe(said, { childList: true });
  let before = null;
  requestAnimationFrame(function frame(now) {
    if (before !== null) watched.intervals.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  });
`;

/** What the page leaves for whoever measures. */
interface Told {
  work: { made: number; changed: number };
  /** Milliseconds of each frame in which it was changed. */
  frames: number[];
  /** Milliseconds from each frame to the next, changed or not. */
  intervals: number[];
  added: number;
  removed: number;
  announced: string[];
  isSame: boolean;
}

function spread(millis: number[]): string {
  const sorted = millis.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${sorted.length} of ${at(0.5)} ms (median), ${at(0.99)} ms (99 %), ${at(1)} ms at most`;
}

let system: System;
let browser: Browser;

describeInBrowser('a thousand jobs in the console', () => {
  beforeAll(async () => {
    const flags = { json: true, once: false, help: false, port: 0, strictWebhooks: false };
    [system, browser] = await Promise.all([startSystem(flags, () => undefined), launch()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([system?.close(), browser?.close()]);
  });

  const line = (message: string, job: number, facts: object) =>
    system.console.tell({
      ...{
        level: 'INFO',
        message,
        timestamp: new Date().toISOString(),
        job_id: `job_${job}`,
        client: 'first-app',
      },
      ...facts,
    });

  /** All submitted at once, then told as the functions tell it, some lines for each frame of the page. */
  async function tellAll(page: Page): Promise<number> {
    let told = 0;
    const tell = (...given: Parameters<typeof line>) => {
      line(...given);
      told += 1;
    };
    const model_id = 'sandbox-batch';
    for (let job = 0; job < JOBS; job++)
      tell('submit', job, { outcome: 'created', model_id, total_tasks: 10 });
    for (let poll = 1; poll <= POLLS; poll++) {
      for (let job = 0; job < JOBS; job++) {
        tell('poll', job, { outcome: 'running', completed_tasks: poll, total_tasks: 10, wait_seconds: 2 });
        if (job % LINES_PER_FRAME === 0) await page.evaluate('new Promise(requestAnimationFrame)');
      }
    }
    for (let job = 0; job < JOBS; job++) {
      tell('finish', job, {
        outcome: 'completed',
        model_id,
        total_tasks: 10,
        completed_tasks: 10,
        failed_tasks: 0,
        age_seconds: 9,
      });
      tell('deliver', job, { outcome: 'delivered', attempt: 1, status: 204, duration_ms: 20 });
    }
    return told;
  }

  it('are rows that are created once and changed in place', async () => {
    const { page, complaints } = await openConsole(browser, system.console.url);
    line('submit', 0, { outcome: 'created', model_id: 'sandbox-batch', total_tasks: 10 });
    await page.locator('button.row').waitFor();
    await page.evaluate(WATCH);
    const told = await tellAll(page);
    const delivered = () =>
      page.evaluate(`document.querySelectorAll('#list .hook[data-state="delivered"]').length`);
    await expect.poll(delivered, { timeout: 150_000 }).toBe(JOBS);
    const { work, frames, intervals, added, removed, announced, isSame } = await page.evaluate<Told>(`({
      work: console_.rows.work,
      frames: console_.frames,
      ...watched,
      isSame: watched.first === document.querySelector('[data-id="job_0"]').parentElement,
    })`);
    const { made, changed } = work;
    process.stdout.write(
      `${told} events of ${JOBS} jobs: ${changed} changes of rows\n  work in frames: ${spread(frames)}\n  frame to frame: ${spread(intervals)}\n`,
    );
    expect(made).toBe(JOBS);
    expect(changed).toBeLessThanOrEqual(told + 1);
    expect({ added, removed, isSame }).toEqual({ added: JOBS - 1, removed: 0, isSame: true });
    const figure = (name: string) => page.locator('#figures > div', { hasText: name }).locator('dd b');
    await expect.poll(() => figure('Running').textContent()).toBe('0');
    await expect.poll(() => figure('Webhooks delivered').textContent()).toBe(String(JOBS));
    // To those who listen, together: not each of them.
    expect(announced.length).toBeLessThan(JOBS / 10);
    expect(complaints).toEqual([]);
    await page.close();
  }, 180_000);
});
