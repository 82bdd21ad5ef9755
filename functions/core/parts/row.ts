/** Where an immutable document is stored: a small one in the table, a larger one in the bucket. */
export interface DocumentRef {
  readonly store: 'table' | 'bucket';
  readonly key: string;
  /** The same results are also there one a line, under the key that `linesOf` gives. */
  readonly hasLines?: true;
  /** An answer has room for it. */
  readonly isShort?: true;
}

/** Of an upload: one conversation after the other in an array, or in lines. */
export type Format = 'json' | 'jsonl';

export interface PartLimits {
  readonly conversations: number;
  readonly bytes: number;
}

interface Round {
  readonly plan: DocumentRef;
  readonly parts: number;
}

/**
 * A large job is one whose ModelStudio is its own parts: each is a job with a row, a place in the queue and a chain of polls like
 * any other, but no webhook, no entry in a list and no answer to its client. The large job's own chain begins them, a few at a time,
 * and ends the job when all have ended.
 */
export interface Parts {
  /** What its conversations are in; without an upload, they are stored as requests are. */
  readonly upload?: { readonly id: string; readonly key: string };
  readonly format: Format;
  /** As text: a table has no numbers as small as JSON has. */
  readonly temperature: string;
  readonly maxTokens: number;
  /** How large a part may be, as it was when the job came: two workers that make parts make the same. */
  readonly limits: PartLimits;
  readonly retries: number;
  /** A part whose creation is unknown may be created again. */
  readonly mayResubmit?: true;
  /** The parts of all conversations, then those of each retry. None: the conversations have not been read yet. */
  readonly rounds: readonly Round[];
  /** How many parts of the latest round have been begun, and which of these had not ended. */
  readonly begun: number;
  readonly open: readonly number[];
  /** Conversations in parts that have ended; those that have failed count only when they are not tried again. */
  readonly doneTasks: number;
  /** ModelStudio has created one, or may have. */
  readonly isTaken: boolean;
}
