import type { Mark } from './trace-marks.ts';

/** Once a job has ended, it is its webhook that goes on. */
export function stateOf({ status, webhook }: Mark & { kind: 'row' }): { state: string; name: string } {
  const hasEnded = status !== 'submitting' && status !== 'running';
  const state = hasEnded && webhook !== null ? webhook : status;
  return { state, name: `${status} ${state}` };
}

/** From a line to another one, or back to itself. */
export function arrow(x0: number, y0: number, x: number, y: number, side: 1 | -1): string {
  const end = `${x + 6 * side} ${y}`;
  if (y0 === y) return `M${x + 30 * side} ${y}H${x + 6 * side}`;
  if (x0 !== x) return `M${x0 - 5 * side} ${y0}C${(x0 + x) / 2} ${y0} ${(x0 + x) / 2} ${y} ${end}`;
  const bend = x + 26 * side;
  return `M${x + 5 * side} ${y0}C${bend} ${y0} ${bend} ${y} ${end}`;
}

export function labelOf(body: string): string {
  const { wakeUp, upstreamJobId } = body.startsWith('{') ? JSON.parse(body) : {};
  if (wakeUp?.seq === undefined) return 'unreadable';
  return `${upstreamJobId === undefined ? 'deliver' : 'poll'} ${wakeUp.seq}`;
}

export function clock(millis: number): string {
  const [minutes, seconds] = [Math.floor(millis / 60_000), (millis % 60_000) / 1000];
  return `${minutes}:${seconds.toFixed(3).padStart(6, '0')}`;
}

export function span(millis: number): string {
  if (millis < 60_000) return `${Math.round(millis / 1000)} s`;
  return millis < 3_600_000 ? `${Math.round(millis / 60_000)} min` : `${(millis / 3_600_000).toFixed(1)} h`;
}

export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
