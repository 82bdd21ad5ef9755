export type Kind = 'submit' | 'read' | 'receive';

export interface Parts {
  jobsUrl: string;
  request: object;
}

/** The kinds of snippets that a language has. */
export type Templates = Partial<Record<Kind, (parts: Parts) => string>>;
