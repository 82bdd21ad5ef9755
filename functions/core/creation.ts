/** What came of asking ModelStudio to create a job. */
export type Creation =
  | { kind: 'created'; upstreamJobId: string }
  /** Definitely not created. `sentence` is ModelStudio's own, as plain text. */
  | { kind: 'invalid'; sentence: string | null }
  | { kind: 'model_not_found' }
  | { kind: 'credentials_refused' }
  | { kind: 'unavailable'; retryAfterSeconds: number | null }
  /** It may exist. */
  | { kind: 'unknown'; cause: string };
