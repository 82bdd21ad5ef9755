export type Counts = Readonly<Record<string, number>>;

/** How often it was asked for this, or for anything under this name. */
export function countOf(counts: Counts, name: string): number {
  const matching = Object.entries(counts).filter(([each]) => each === name || each.startsWith(`${name}.`));
  return matching.reduce((sum, [, count]) => sum + count, 0);
}

/** What AWS was asked for, by name. */
export class Meter {
  readonly counts: Record<string, number> = {};

  add(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  /** What has come on top since these counts were taken. */
  since(before: Counts): Counts {
    const added = Object.entries(this.counts).map(([name, count]) => [name, count - (before[name] ?? 0)]);
    return Object.fromEntries(added);
  }
}
