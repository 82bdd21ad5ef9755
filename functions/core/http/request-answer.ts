/** An HTTP request as the flows see it. Header names are in lower case. */
export interface Request {
  method: string;
  path: string;
  /** Without its `?`; '' if there is no query. */
  query: string;
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
  requestId: string;
}

/** An answer to an HTTP request, before its `request_id` is known. `body` is JSON text. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string;
}
