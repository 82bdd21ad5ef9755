import './lambda-environment.ts';
import type { Log } from '../../../functions/core/log.ts';
import { CALM_MILLIS, flushAggregates, log, logger } from '../../../functions/edge/log.ts';
import { clock } from '../../../functions/edge/system.ts';
import type { Meter } from '../../../test/cloud/meter.ts';

/** The log of an environment, which runs one invocation at a time; `end` tells what that has tallied. */
export interface EnvironmentLog extends Log {
  end(durationMillis: number): void;
}

export const silence: EnvironmentLog = {
  event: () => undefined,
  aggregate: () => undefined,
  end: () => undefined,
};

/** From now on, the functions' log lines go to the meter, by their bytes, and nowhere else. */
export function countLogLines(meter: Meter): void {
  logger.write = (text) => {
    meter.add('logs.lines');
    meter.add('logs.bytes', Buffer.byteLength(text));
  };
}

/** The functions' own log tallies for one invocation at a time; as many run at once here, each keeps its own until its end. */
export function logOfEnvironment(): EnvironmentLog {
  let tallied: Parameters<Log['aggregate']>[] = [];
  let sums = { duration_ms: 0, invocations: 0 };
  let flushedAt = 0;
  return {
    event: log.event,
    aggregate: (...each) => void tallied.push(each),
    end: (durationMillis) => {
      sums = { duration_ms: sums.duration_ms + durationMillis, invocations: sums.invocations + 1 };
      const isCalm = tallied.every(([, , metrics = {}]) =>
        Object.keys(metrics).every((name) => name === 'Polls'),
      );
      if (isCalm && clock.now() < flushedAt + CALM_MILLIS) return;
      flushedAt = clock.now();
      for (const each of tallied) log.aggregate(...each);
      flushAggregates(sums);
      tallied = [];
      sums = { duration_ms: 0, invocations: 0 };
    },
  };
}
