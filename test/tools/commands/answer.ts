export interface Answer {
  status: number;
  type: 'text/xml' | 'application/json' | 'text/html';
  body: string;
}

export function json(body: object): Answer {
  return { status: 200, type: 'application/json', body: JSON.stringify(body) };
}
