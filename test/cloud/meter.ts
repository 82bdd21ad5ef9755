/** What AWS was asked for, by name. */
export class Meter {
  readonly counts: Record<string, number> = {};

  add(name: string, by = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  /** What has come on top since these counts were taken. */
  since(before: Readonly<Record<string, number>>): Record<string, number> {
    const added = Object.entries(this.counts).map(([name, count]) => [name, count - (before[name] ?? 0)]);
    return Object.fromEntries(added);
  }
}
