/** The outcome of asking ModelStudio to create a job. `sentence` is ModelStudio's own, as plain text. */
export type CreateResult =
  | { kind: 'created'; upstreamJobId: string }
  /** From here on, definitely not created: the request is at fault, … */
  | { kind: 'invalid'; sentence: string | null }
  | { kind: 'model_not_found' }
  /** … the deployment is, … */
  | { kind: 'credentials_refused'; sentence: string | null }
  /** … or something that is neither's. `cause` is `redirect`, `wrong_address` or `status_…`. */
  | { kind: 'refused'; cause: string; sentence: string | null }
  | { kind: 'unavailable'; retryAfterSeconds: number | null; sentence?: string | undefined }
  /** The job may exist. */
  | { kind: 'unknown'; cause: string };
