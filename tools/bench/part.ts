/** What a part of the benchmark found. */
export interface Part {
  /** Of its files under docs/bench. */
  name: string;
  rows: object[];
  /** Further rows, by names of their own. */
  others?: Record<string, object[]>;
  /** Lines of JSON from which anybody can compute the rows. */
  trace?: string[];
  /** Markdown: what was measured, the tables, what they say. */
  text: string;
  svg?: string;
}

export interface PartOptions {
  /** Of what has chance in it, and takes a seed. */
  seed?: number;
  isTraced: boolean;
}
