import type { Millis } from '../../functions/core/job.ts';
import type { FunctionName } from '../../test/cloud/handlers.ts';

/** Whoever has a line of their own on the page of a run. */
export type Lane = 'app' | FunctionName | 'ModelStudio' | 'receiver';

/** What the page of a run shows. `about`: a text that names the job. */
export type Mark = { at: Millis } & (
  | { kind: 'call'; from: Lane; to: Lane; label: string; about: string }
  | { kind: 'answer'; from: Lane; to: Lane; label: string; about: string }
  | { kind: 'sent'; from: Lane; body: string }
  | { kind: 'received'; lane: Lane; body: string; sentAt: Millis }
  | { kind: 'row'; lane: Lane; jobId: string; status: string; webhook: string | null }
  | { kind: 'begun' | 'answered' | 'died'; lane: Lane; by: object }
  | { kind: 'fault'; number: number; fault: string; step: string }
);

export type Unmarked = Mark extends infer M ? (M extends Mark ? Omit<M, 'at'> : never) : never;

/** A job by any of its names: its id, the marker in its prompt, ModelStudio's id. */
export class Names {
  readonly #jobIds = new Map<string, string>();

  constructor(marks: readonly Mark[]) {
    for (const mark of marks) {
      if (mark.kind === 'answer') this.#learn(/\bjob-\d+\b/.exec(mark.about)?.[0], mark.about);
      if (mark.kind !== 'sent' || !mark.body.startsWith('{')) continue;
      this.#learn(JSON.parse(mark.body).upstreamJobId, mark.body);
    }
  }

  #learn(name: string | undefined, about: string): void {
    const jobId = idIn(about);
    if (name !== undefined && jobId !== null) this.#jobIds.set(name, jobId);
  }

  jobIdOf(about: string): string | null {
    const id = idIn(about);
    if (id !== null) return id;
    const names = about.match(/[\w.-]+/g) ?? [];
    const name = names.findLast((each) => this.#jobIds.has(each));
    return name === undefined ? null : (this.#jobIds.get(name) ?? null);
  }
}

function idIn(text: string): string | null {
  return /\bjob_[a-z0-9]{8,}/.exec(text)?.[0] ?? null;
}
