const text = (value: unknown) => (typeof value === 'string' ? value : unreadable());
const flag = (value: unknown) => (typeof value === 'boolean' ? value : unreadable());
const number = (value: unknown) => (Number.isFinite(value) ? (value as number) : unreadable());
const whole = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : unreadable());

function unreadable(): never {
  throw Object.assign(new Error('The message cannot be read'), { name: 'UnreadableMessage' });
}

type Members = Record<string, (value: unknown) => unknown>;
type Read<M extends Members> = { [Name in keyof M]: ReturnType<M[Name]> };

/** Leaves out what a later release says more. Zod, which no other part of a poll needs, would take 5 ms of each cold start. */
function reader<M extends Members, O extends Members = Record<never, never>>(members: M, optional?: O) {
  return (value: unknown) => {
    const given = Object(value);
    const present = Object.entries(optional ?? {}).filter(([name]) => given[name] !== undefined);
    const read = [...Object.entries(members), ...present].map(([name, each]) => [name, each(given[name])]);
    return Object.fromEntries(read) as Read<M> & Partial<Read<O>>;
  };
}

const wakeUp = reader({ seq: whole, token: text, dueAt: number });
/** As the job's row has it. */
const trace = text;

const readPoll = reader(
  {
    jobId: text,
    upstreamJobId: text,
    wakeUp,
    /** When the job was last seen running or, before that, created. */
    polledAt: number,
    /** The last wake-up of this chain that was recorded: the row names another one if another chain has written. */
    recordedToken: text,
    /** Wake-ups of this chain since then. */
    pollsSinceRecord: whole,
  },
  {
    trace,
    /** When ModelStudio created a job that had waited for that. */
    startedAt: number,
    /** ModelStudio has reported on the job. If this is missing, it may have. */
    isSeen: flag,
    /** The slot in which the job is to teach how long such jobs take. */
    slot: whole,
    /** Those parts of a large job that its reader may begin, the last excluded. */
    toBegin: reader({ round: whole, from: whole, to: whole }),
  },
);
/** What a poll message says: enough to continue even if the row's last write was lost. */
export function readPollMessage(body: unknown) {
  const message = readPoll(body);
  return { ...message, isSeen: message.isSeen ?? true };
}
export type PollMessage = ReturnType<typeof readPollMessage>;

/** Lets queued jobs through. */
export const readCreateMessage = reader({ wakeUp });
export type CreateMessage = ReturnType<typeof readCreateMessage>;

/** `attempts`: those before this message was sent, which the row may not know if its last write was lost. */
export const readDeliverMessage = reader({ jobId: text, wakeUp, attempts: whole }, { trace });
export type DeliverMessage = ReturnType<typeof readDeliverMessage>;
