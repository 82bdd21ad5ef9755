import clientSecrets from './corpus/webhook-client-secrets.json' with { type: 'json' };
import signatures from './corpus/webhook-signatures.json' with { type: 'json' };
import urls from './corpus/webhook-urls.json' with { type: 'json' };

export interface UrlCase {
  id: string;
  url: string;
  expect: string;
  why: string;
  /** `submit`: refused as text. `connect`: fine as text, judged by its addresses. `response`: by the answer. */
  phase: string;
  cls: string;
  /** Successive look-ups, each the addresses or how it failed; the last one is what the socket sees. */
  dns?: (string[] | string)[];
  response?: { status: number; location: string };
}

/** What `{SELF_API_HOST}` stands for. */
export const OWN_HOST = 'api.jobs.example.com';

export const urlCases: UrlCase[] = (urls as UrlCase[]).map((each) => ({
  ...each,
  url: each.url.replace('{SELF_API_HOST}', OWN_HOST),
}));

/** The addresses that the socket sees, or how the look-up failed. */
export function lastLookup({ dns }: UrlCase): string[] | string {
  return dns?.at(-1) ?? [];
}

export const signatureCases = signatures;

export const clientSecretCases = clientSecrets;
