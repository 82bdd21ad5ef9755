import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { describe } from 'vitest';

const { CHROMIUM_PATH } = process.env;
const PLACES = [
  ...(CHROMIUM_PATH ? [CHROMIUM_PATH] : []),
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const executablePath = PLACES.find((path) => existsSync(path));

/** A browser beside all other tests is slow on two cores. */
export const PATIENCE = 100_000;

/** Skipped, with a word of why, on a machine that has no Chromium. */
export const describeInBrowser = executablePath
  ? (name: string, tests: () => void) => describe(name, { timeout: 3 * PATIENCE }, tests)
  : (name: string, tests: () => void) =>
      describe.skip(`${name}: there is no Chromium here; CHROMIUM_PATH may name one`, tests);

export function launch(): Promise<Browser> {
  return chromium.launch({
    ...(executablePath && { executablePath }),
    // Nothing but the page is to be asked for; as root it runs without its sandbox.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export interface Look {
  width?: number;
  scheme?: 'light' | 'dark';
}

/** A page of the console, and what its console and its scripts complain of. */
export async function openConsole(
  browser: Browser,
  url: string,
  { width = 1280, scheme = 'light' }: Look = {},
): Promise<{ page: Page; complaints: string[] }> {
  const viewport = { width, height: width < 500 ? 844 : 800 };
  const page = await browser.newPage({ viewport, colorScheme: scheme });
  page.setDefaultTimeout(PATIENCE);
  const complaints: string[] = [];
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('console', (line) => {
    if (line.type() === 'error') complaints.push(`${line.text()} at ${line.location().url}`);
  });
  await page.goto(url);
  await page.locator('body[data-ready]').waitFor();
  return { page, complaints };
}
