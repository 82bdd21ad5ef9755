import type { Row } from './experiments.ts';

export interface Panel {
  title: string;
  /** Lines of lag against polls. */
  optimum: Row[];
  planner: Row[];
  /** One point each. */
  schedules: Row[];
}

const WIDTH = 230;
const HEIGHT = 180;
const GAP = 46;
const TOP = 96;
const COLUMNS = 4;
const POLLS = { min: 1, max: 400, ticks: [1, 10, 100] };
const LAGS = { min: 0.5, max: 60, ticks: [1, 10] };
const MARKS = ['#b4402f', '#c2588f', '#a86a00', '#8451a8', '#2f6fb4'];
const OPTIMUM = '#8a8a8a';
const PLANNER = '#0b8f7f';

/** Lag against polls, one panel for each distribution: the nearer to the lower left, the better. */
export function frontierPlot(panels: readonly Panel[]): string {
  const width = COLUMNS * (WIDTH + GAP) + GAP;
  const height = TOP + Math.ceil(panels.length / COLUMNS) * (HEIGHT + GAP + 20);
  const drawn = panels.map((panel, i) => {
    const x = GAP + (i % COLUMNS) * (WIDTH + GAP);
    const y = TOP + Math.floor(i / COLUMNS) * (HEIGHT + GAP + 20);
    return `<g transform="translate(${x} ${y})">${panelOf(panel)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">`,
    '<title>Lag against polls</title>',
    '<style>svg{color-scheme:light dark;--paper:#fff;--ink:#222;--rule:#ddd}@media(prefers-color-scheme:dark){svg{--paper:#16181b;--ink:#ddd;--rule:#3a3d42}}text{fill:var(--ink)}.rule{stroke:var(--rule)}</style>',
    `<rect width="${width}" height="${height}" style="fill:var(--paper)"/>`,
    `<text x="${GAP}" y="26" font-size="15" font-weight="600">Seconds of lag (up) against polls of a job (right), both logarithmic</text>`,
    legend(panels[0]?.schedules.map(({ policy }) => policy) ?? []),
    ...drawn,
    '</svg>',
    '',
  ].join('\n');
}

function legend(schedules: string[]): string {
  const lines = [
    [OPTIMUM, 'optimum, for all λ'],
    [PLANNER, 'planner, 64 jobs seen, λ from 0.05 to 40 s'],
  ].map(([color, name], i) => {
    const x = GAP + i * 300;
    return `<line x1="${x}" x2="${x + 22}" y1="46" y2="46" stroke="${color}" stroke-width="2.5"/><text x="${x + 28}" y="50">${name}</text>`;
  });
  const dots = schedules.map((name, i) => {
    const x = GAP + i * 220;
    return `<circle cx="${x + 5}" cy="66" r="4.5" fill="${MARKS[i]}"/><text x="${x + 16}" y="70">${name}</text>`;
  });
  return [...lines, ...dots].join('');
}

function panelOf({ title, optimum, planner, schedules }: Panel): string {
  const x = (polls: number) => WIDTH * placeOn(POLLS, polls);
  const y = (lag: number) => HEIGHT * (1 - placeOn(LAGS, lag));
  const line = (rows: Row[], color: string, width: number) => {
    const points = rows
      .toSorted((a, b) => a.polls - b.polls)
      .map((row) => `${n(x(row.polls))},${n(y(row.lag))}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="${width}"/>`;
  };
  const columns = POLLS.ticks.map(
    (polls) =>
      `<line class="rule" x1="${n(x(polls))}" x2="${n(x(polls))}" y1="0" y2="${HEIGHT}"/><text x="${n(x(polls))}" y="${HEIGHT + 14}" text-anchor="middle">${polls}</text>`,
  );
  const lines = LAGS.ticks.map(
    (lag) =>
      `<line class="rule" x1="0" x2="${WIDTH}" y1="${n(y(lag))}" y2="${n(y(lag))}"/><text x="-6" y="${n(y(lag) + 4)}" text-anchor="end">${lag} s</text>`,
  );
  const dots = schedules.map(
    ({ polls, lag }, i) => `<circle cx="${n(x(polls))}" cy="${n(y(lag))}" r="4.5" fill="${MARKS[i]}"/>`,
  );
  return [
    `<text x="0" y="-8" font-weight="600">${title}</text>`,
    ...columns,
    ...lines,
    line(optimum, OPTIMUM, 2.5),
    line(planner, PLANNER, 2.5),
    ...dots,
  ].join('');
}

/** 0 to 1 on a logarithmic axis; what lies beyond is drawn on its edge. */
function placeOn({ min, max }: { min: number; max: number }, value: number): number {
  const place = Math.log(value / min) / Math.log(max / min);
  return Math.max(0, Math.min(1, place));
}

const n = (value: number) => value.toFixed(1);
