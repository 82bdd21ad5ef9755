import { type Lane, type Mark, Names } from './trace-marks.ts';
import { arrow, clock, escaped, labelOf, span, stateOf } from './trace-shapes.ts';
import { STYLE } from './trace-style.ts';

const LANES: Lane[] = [
  'app',
  'submit',
  'jobs',
  'poll',
  'collect',
  'deliver',
  'sweep',
  'ModelStudio',
  'receiver',
];
const GUTTER = 78;
const STRIP = 92;
const LANE = 136;
const ROW = 17;
const HEAD = 46;

export interface Traced {
  seed: number;
  start: number;
  violation: string | null;
  /** How the run is repeated. */
  command: string;
  marks: readonly Mark[];
}

/** One run as a page that needs nothing else: time runs downwards, and whoever acts has a line of their own. */
export function tracePage({ seed, start, violation, command, marks }: Traced): string {
  const names = new Names(marks);
  const jobs = [...new Set(marks.flatMap((mark) => (mark.kind === 'row' ? [mark.jobId] : [])))];
  const lanes = LANES.filter((lane) => marks.some((mark) => lanesOf(mark).includes(lane)));
  const drawing = new Drawing(marks, jobs, lanes, names, start);
  const faults = marks.filter(({ kind }) => kind === 'fault').length;
  const filters = ['all', ...jobs].map((job, i) => {
    const name = i === 0 ? 'all jobs' : `job ${i}`;
    const title = i === 0 ? '' : ` title="${job}"`;
    return `<label class="j${i}"${title}><input type="radio" name="job" id="f${i}"${i === 0 ? ' checked' : ''}>${name}</label>`;
  });
  const only = jobs.map((_, i) => `body:has(#f${i + 1}:checked) .m:not(.j${i + 1}):not(.f)`).join(',');
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Seed ${seed}: ${violation === null ? 'all invariants held' : escaped(violation)}</title>
<style>${STYLE}${only && `${only}{opacity:.08}`}</style>
<header><h1>Seed ${seed}</h1>
<p class="${violation === null ? 'held' : 'broken'}">${violation === null ? 'All invariants held' : escaped(violation)}</p>
<p>${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'}, ${faults} ${faults === 1 ? 'fault' : 'faults'}. <code>${escaped(command)}</code></p>
<nav>${filters.join('')}<span class="key"><i></i>message <i class="thin"></i>request <i class="thin dashed"></i>answer <i class="dot"></i>fault</span></nav></header>
<main>${drawing.svg()}</main></html>
`;
}

function lanesOf(mark: Mark): Lane[] {
  if ('lane' in mark) return [mark.lane];
  if (mark.kind === 'call' || mark.kind === 'answer') return [mark.from, mark.to];
  return mark.kind === 'sent' ? [mark.from] : [];
}

class Drawing {
  readonly #marks: readonly Mark[];
  readonly #jobs: string[];
  readonly #lanes: Lane[];
  readonly #names: Names;
  readonly #start: number;
  readonly #parts: string[] = [];
  readonly #below: string[] = [];
  readonly #rows: number[] = [];
  #height = HEAD;

  constructor(marks: readonly Mark[], jobs: string[], lanes: Lane[], names: Names, start: number) {
    this.#marks = marks;
    this.#jobs = jobs;
    this.#lanes = lanes;
    this.#names = names;
    this.#start = start;
  }

  get #left(): number {
    return GUTTER + STRIP * this.#jobs.length + LANE / 2;
  }

  #x(lane: Lane): number {
    return this.#left + LANE * this.#lanes.indexOf(lane);
  }

  /** The number of a job, by a text that names it; 0: of none. */
  #jobIn(about: string): number {
    const jobId = this.#names.jobIdOf(about);
    return jobId === null ? 0 : this.#jobs.indexOf(jobId) + 1;
  }

  svg(): string {
    this.#place();
    this.#drawMessages();
    this.#drawWork();
    this.#drawStrips();
    for (const [i, mark] of this.#marks.entries()) this.#draw(mark, this.#rows[i] as number);
    const width = this.#left + LANE * (this.#lanes.length - 1) + LANE * 0.8;
    const lifelines = this.#lanes.map((lane) => {
      const x = this.#x(lane);
      return `<path class="life" d="M${x} 30V${this.#height}"/><g class="lane ${lane}"><rect x="${x - 52}" y="6" width="104" height="24" rx="12"/><text x="${x}" y="22">${lane}</text></g>`;
    });
    return `<svg viewBox="0 0 ${width} ${this.#height + 24}" width="${width}" role="img" aria-label="What happened, in the order of time">
<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 .5L8 4L0 7.5z" fill="context-stroke"/></marker></defs>
${this.#below.join('\n')}
${lifelines.join('\n')}
${this.#parts.join('\n')}</svg>`;
  }

  /** Each mark has a row; the longer nothing happens, the further apart they are, though far less than in truth. */
  #place(): void {
    let last: number | null = null;
    let labelled = 0;
    for (const { at, kind } of this.#marks) {
      const gap = last === null ? 0 : at - last;
      const isQuiet = kind === 'sent' || kind === 'begun' || kind === 'answered';
      this.#height += (isQuiet ? 5 : ROW) + (gap > 1000 ? 7 * Math.log10(gap / 100) : 0);
      if (gap > 5000) this.#pause(gap);
      if (at !== last && this.#height - labelled > 11) {
        labelled = this.#height;
        this.#text(GUTTER - 12, this.#height + 3, clock(at - this.#start), 'time');
      }
      this.#rows.push(Math.round(this.#height));
      last = at;
    }
    this.#height += ROW;
  }

  #pause(gap: number): void {
    const y = Math.round(this.#height - (ROW + 7 * Math.log10(gap / 100)) / 2);
    this.#below.push(
      `<path class="pause" d="M${GUTTER - 12} ${y}H${this.#x(this.#lanes.at(-1) as Lane) + 52}"/>`,
    );
    this.#text(GUTTER - 12, y + 3, `${span(gap)} later`, 'gap');
  }

  #drawMessages(): void {
    for (const [i, mark] of this.#marks.entries()) {
      if (mark.kind !== 'received') continue;
      const isSame = (other: Mark, kind: Mark['kind']) =>
        other.kind === kind && 'body' in other && other.body === mark.body;
      const before = this.#marks.slice(0, i);
      const again = before.findLastIndex((other) => isSame(other, 'received'));
      const sentAt = again < 0 ? before.findLastIndex((other) => isSame(other, 'sent')) : again;
      const [x, y, job] = [this.#x(mark.lane), this.#rows[i] as number, this.#jobIn(mark.body)];
      const label = `${labelOf(mark.body)}${again < 0 ? '' : ', again'}`;
      const sent = this.#marks[sentAt];
      const from = sent?.kind === 'sent' ? this.#x(sent.from) : x;
      const y0 = this.#rows[sentAt] ?? y;
      // What comes by itself, from before or once more, comes from the left; what its own function sends, from the right.
      const side = from > x || (from === x && sent?.kind === 'sent') ? 1 : -1;
      const kind = `m msg j${job}${again < 0 ? '' : ' again'}`;
      this.#parts.push(`<path class="${kind}" d="${arrow(from, y0, x, y, side)}"/>`);
      const [labelX, labelY] =
        from === x && y0 < y ? [x + side * 24, (y0 + y) / 2 + 4] : [x + side * 11, y - 4];
      this.#text(labelX, labelY, label, `m lab${side < 0 ? ' end' : ''} j${job}`);
    }
  }

  /** From when to when a function is at work. */
  #drawWork(): void {
    const begun = new Map<object, number>();
    for (const [i, mark] of this.#marks.entries()) {
      if (mark.kind === 'begun') begun.set(mark.by, i);
      if (mark.kind !== 'answered' && mark.kind !== 'died') continue;
      const from = begun.get(mark.by);
      if (from === undefined) continue;
      begun.delete(mark.by);
      const [x, y, to] = [this.#x(mark.lane), this.#rows[from] as number, this.#rows[i] as number];
      this.#parts.push(
        `<rect class="work${mark.kind === 'died' ? ' dead' : ''}" x="${x - 4}" y="${y}" width="8" height="${Math.max(4, to - y)}" rx="3"/>`,
      );
    }
  }

  /** What has become of each job, all along. */
  #drawStrips(): void {
    for (const [index, jobId] of this.#jobs.entries()) {
      const x = GUTTER + STRIP * index;
      const states = this.#marks.flatMap((mark, i) =>
        mark.kind === 'row' && mark.jobId === jobId
          ? [{ status: mark.status, ...stateOf(mark), y: this.#rows[i] as number }]
          : [],
      );
      const changes = states.filter(({ name }, i) => name !== states[i - 1]?.name);
      for (const [i, { status, state, name, y }] of changes.entries()) {
        const height = Math.max(3, (changes[i + 1]?.y ?? this.#height) - y - 1);
        this.#below.push(
          `<rect class="m j${index + 1} state ${name}" x="${x}" y="${y}" width="9" height="${height}" rx="3"/>`,
        );
        const text = changes[i - 1]?.status === status ? state : status;
        this.#text(x + 14, y + 4, text, `m state j${index + 1}`);
      }
    }
  }

  #draw(mark: Mark, y: number): void {
    if (mark.kind === 'call' || mark.kind === 'answer') {
      const [x0, x1] = [this.#x(mark.from), this.#x(mark.to)];
      const side = x1 > x0 ? 1 : -1;
      const job = this.#jobIn(mark.about);
      const kind = mark.kind === 'answer' ? 'ans' : 'call';
      const isBad = kind === 'ans' && !/^[23]/.test(mark.label);
      this.#parts.push(
        `<path class="m ${kind} j${job}${isBad ? ' bad' : ''}" d="M${x0 + 5 * side} ${y}H${x1 - 6 * side}"/>`,
      );
      const anchor = side > 0 ? '' : ' end';
      this.#text(x0 + 10 * side, y - 4, mark.label, `m lab${anchor} j${job}${isBad ? ' bad' : ''}`);
    }
    if (mark.kind === 'fault') this.#drawFault(mark, y);
    if (mark.kind === 'died') {
      const x = this.#x(mark.lane);
      this.#parts.push(`<path class="m f cross" d="M${x - 6} ${y - 6}l12 12m0 -12l-12 12"/>`);
    }
  }

  /** Those that strike nobody in particular stand at the left. */
  #drawFault({ number, fault, step }: Mark & { kind: 'fault' }, y: number): void {
    const [who = '', what = ''] = step.split(': ');
    const isLane = this.#lanes.includes(who as Lane);
    const x = isLane ? this.#x(who as Lane) : GUTTER + 26;
    this.#parts.push(
      `<g class="m f"><title>fault ${number}: ${fault} at ${escaped(step)}</title><circle cx="${x}" cy="${y}" r="8"/><text x="${x}" y="${y + 3.5}">${number}</text></g>`,
    );
    const words = isLane ? `${fault}${what && ` · ${what}`}` : fault;
    this.#text(x + 13, y + 3.5, words, 'm f lab');
  }

  #text(x: number, y: number, text: string, kind: string): void {
    this.#parts.push(`<text class="${kind}" x="${x}" y="${Math.round(y)}">${escaped(text)}</text>`);
  }
}
