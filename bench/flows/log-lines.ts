import type { Facts, Log, Stage } from '../../functions/ports.ts';
import type { Meter } from './meter.ts';

// As in a deployed function, where the runtime sets the trace of each invocation.
process.env['POWERTOOLS_SERVICE_NAME'] ??= 'ModelStudioJobs';
process.env['_X_AMZN_TRACE_ID'] ??=
  'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=0';
const { log, logger, tellTally } = await import('../../functions/edge/log.ts');

type Tallied = Parameters<Log['tally']>;

/** The log as the functions write it, of which only the bytes are kept. */
export class LogLines {
  readonly #meter: Meter;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  /** The log of one invocation; `end` writes what it has tallied, as one line. */
  ofInvocation(): Log & { end(durationMillis: number): void } {
    // The functions' own log holds the tally of one invocation at a time, and here many run at once.
    const tallied: Tallied[] = [];
    return {
      tell: (stage: Stage, facts: Facts, measured) => this.#count(() => log.tell(stage, facts, measured)),
      tally: (...each) => void tallied.push(each),
      end: (durationMillis) => {
        this.#count(() => {
          for (const each of tallied) log.tally(...each);
          tellTally({ duration_ms: durationMillis });
        });
      },
    };
  }

  #count(write: () => void): void {
    const line = (text: string) => {
      this.#meter.add('logs.lines');
      this.#meter.add('logs.bytes', Buffer.byteLength(text) + 1);
    };
    const logging = logger as unknown as { console: object };
    const { console } = logging;
    logging.console = { debug: line, info: line, warn: line, error: line };
    try {
      write();
    } finally {
      logging.console = console;
    }
  }
}
