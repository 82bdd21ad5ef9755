/** What came of one HTTP exchange. */
export type Outcome =
  | {
      kind: 'answered';
      status: number;
      headers: Record<string, string | undefined>;
      body: Buffer;
      /** The body was longer than was asked for. */
      isTruncated: boolean;
    }
  /** Not a byte of the request was sent. `code` is Node's error code. */
  | { kind: 'not_connected'; code: string }
  /** The connection broke after it stood. The request may have been carried out. */
  | { kind: 'cut'; code: string }
  /** As `cut`, if `isConnected`. */
  | { kind: 'timeout'; isConnected: boolean };
