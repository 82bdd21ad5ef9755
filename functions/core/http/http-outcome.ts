/** What came of one HTTP exchange. */
export type HttpOutcome =
  | {
      kind: 'answered';
      status: number;
      headers: Record<string, string | undefined>;
      body: Buffer;
      /** The body was longer than was asked for. */
      isTruncated: boolean;
    }
  /**
   * Not a byte of the request was sent. `code` is Node's error code. `isTls`: a connection stood, but the two sides did
   * not come to terms about TLS.
   */
  | { kind: 'not_connected'; code: string; isTls?: true }
  /**
   * The connection broke after it stood, or what came was not HTTP: then the code begins with `HPE_`, as Node's parser
   * names its errors. The request may have been carried out.
   */
  | { kind: 'cut'; code: string }
  /** As `cut`, if `isConnected`. */
  | { kind: 'timeout'; isConnected: boolean };
