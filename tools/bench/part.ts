/** What a part of the benchmark found. */
export interface Part {
  /** Of its files under docs/bench. */
  name: string;
  rows: object[];
  /** Markdown: what was measured, the tables, what they say. */
  text: string;
  svg?: string;
}
