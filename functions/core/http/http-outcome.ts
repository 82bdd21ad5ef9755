export type HttpOutcome =
  | {
      kind: 'answered';
      status: number;
      headers: Record<string, string | undefined>;
      body: Buffer;
      /** The body was longer than the limit. */
      isTruncated: boolean;
    }
  /**
   * Not a byte of the request was sent. `code` is Node's error code. `isTls`: the connection was established, but its TLS
   * handshake failed.
   */
  | { kind: 'not_connected'; code: string; isTls?: true }
  /**
   * An established connection broke, or the answer was not HTTP: then the code begins with `HPE_`, as Node's parser
   * names its errors. The request may have been processed.
   */
  | { kind: 'cut'; code: string }
  /** The same as `cut`, if `isConnected`. */
  | { kind: 'timeout'; isConnected: boolean };
