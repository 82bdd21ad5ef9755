export interface ClientOptions {
  /** Where the API is: the stack's output ApiUrl. */
  url: string;
  /** The client key, `msj_…`. */
  key: string;
  /** In place of the runtime's own, such as one with a proxy or a certificate authority of yours. */
  fetch?: typeof globalThis.fetch;
  /** Milliseconds after which a call is given up, its repeats included. Default 120 000. */
  deadlineMs?: number;
}

export function checkedUrl(url: string): string {
  if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new TypeError(
      'url must be where the API is, such as https://abc.execute-api.eu-central-1.amazonaws.com',
    );
  const { username, password, search, hash } = new URL(url);
  if (username || password || search || hash)
    throw new TypeError('url must be an address alone, without a user, a query or a fragment');
  return url.trim().replace(/(\/+v1(\/jobs)?)?\/*$/, '');
}

/** A key with a line break at its end would be quoted by the error of whoever takes it for a header. */
export function checkedKey(key: string): string {
  if (typeof key !== 'string' || key === '')
    throw new TypeError('key is missing: it is the client key, msj_…');
  if (key.startsWith('whsec_'))
    throw new TypeError(
      'key is a webhook secret: the client key begins with msj_, and npm run keys makes one',
    );
  if (!/^msj_[!-~]+$/.test(key))
    throw new TypeError(
      'key must be the client key as it was shown: msj_…, without spaces, quotes or line breaks',
    );
  return key;
}
