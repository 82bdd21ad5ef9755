import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Run, simulate } from '../../../tools/simulation/simulate.ts';
import { START } from '../../../tools/simulation/simulation.ts';
import type { Mark } from '../../../tools/simulation/trace-marks.ts';
import { tracePage } from '../../../tools/simulation/trace-page.ts';

const SEED = 25;

async function draw(violation: string | null = null): Promise<{ page: string; marks: Mark[]; run: Run }> {
  const marks: Mark[] = [];
  const run = await simulate(SEED, { onMark: (mark) => marks.push(mark) });
  const command = `npm run simulate -- --seed ${SEED} --trace`;
  return { page: tracePage({ seed: SEED, start: START, violation, command, marks }), marks, run };
}

const count = (page: string, part: RegExp) => page.match(part)?.length ?? 0;
const kindsOf = (marks: Mark[], kind: Mark['kind']) => marks.filter((mark) => mark.kind === kind);

describe('the page of a run', () => {
  it('shows each message that arrived, each request and its answer, and each fault', async () => {
    const { page, marks, run } = await draw();
    expect(kindsOf(marks, 'received').length).toBeGreaterThan(2);
    expect(count(page, /<path class="m msg/g)).toBe(kindsOf(marks, 'received').length);
    expect(count(page, /<path class="m call/g)).toBe(kindsOf(marks, 'call').length);
    expect(count(page, /<path class="m ans/g)).toBe(kindsOf(marks, 'answer').length);
    expect(count(page, /<title>fault \d/g)).toBe(run.faults.length);
  });

  it('knows of each message for a job which job that is', async () => {
    const { page, marks } = await draw();
    const named = kindsOf(marks, 'received').filter(
      (mark) => 'body' in mark && /"job_\w{9,}/.test(mark.body),
    );
    expect(count(page, /<path class="m msg j[1-9]/g)).toBe(named.length);
  });

  it('says what was violated, whatever characters that has', async () => {
    const { page } = await draw('I3: <b>&"');
    expect(page).toContain('<p class="broken">I3: &#60;b&#62;&#38;&#34;</p>');
  });

  it('has the same bytes for the same run', async () => {
    expect((await draw()).page).toBe((await draw()).page);
  });
});

it.each([
  ['a fresh page', async () => (await draw()).page],
  ['the example', () => readFileSync(new URL('../../../docs/pictures/run.html', import.meta.url), 'utf8')],
])('%s needs nothing else, and follows light and dark', async (_what, read) => {
  const page = await read();
  expect(page).not.toMatch(/\b(src|href)=|https?:|@import|<script/);
  expect(page).toContain('prefers-color-scheme:dark');
  expect(page.length).toBeLessThan(60_000);
});
