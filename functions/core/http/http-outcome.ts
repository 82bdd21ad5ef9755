export type HttpOutcome =
  | {
      kind: 'answered';
      status: number;
      headers: Record<string, string | undefined>;
      body: Buffer;
      isTruncated: boolean;
    }
  /** Not a byte of the request was sent. `isTls`: the connection was established, but its TLS handshake failed. */
  | { kind: 'not_connected'; code: string; isTls?: true }
  /** An established connection broke, or the answer was not HTTP: a `code` that begins with `HPE_`. It may have been processed. */
  | { kind: 'cut'; code: string }
  /** The same as `cut`, if `isConnected`. */
  | { kind: 'timeout'; isConnected: boolean };
