// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from './load.ts';

/** Bugs by which a receiver that hangs holds up others, or is held back for no reason. */
export const LANE_MUTANTS: Mutant[] = [
  {
    name: 'every environment has the turn of a lane',
    file: 'edge/lanes-table.ts',
    find: "        ConditionExpression: 'lastTurn <= :before',\n        values: { ':window': window, ':before': window - 1 },",
    replace: "        values: { ':window': window },",
    seed: 0,
  },
  {
    name: 'nobody learns which lanes others have opened',
    file: 'edge/lanes-table.ts',
    find: 'open = lanes.inOrder([...listed, ...own]);',
    replace: 'void listed;\n      open = lanes.inOrder(own);',
    seed: 0,
  },
  {
    name: 'a lane is never closed',
    file: 'edge/lanes-table.ts',
    find: '    await rows.close(lane, hungAt);\n',
    replace: '',
    seed: 112,
  },
  {
    name: 'a lane is closed at the first answer',
    file: 'core/webhook/lanes.ts',
    find: 'QUIET_MILLIS = 20_000;',
    replace: 'QUIET_MILLIS = 1000;',
    seed: 0,
  },
  {
    name: 'an attempt is held for two minutes',
    file: 'core/webhook/lanes.ts',
    find: 'HELD_MAX_MILLIS = 60_000;',
    replace: 'HELD_MAX_MILLIS = 120_000;',
    seed: 0,
  },
  {
    name: 'a lane is of a host, whoever its clients are',
    file: 'core/webhook/lanes.ts',
    find: 'return host === undefined ? null : `${client}/${host}`;',
    replace: 'void client;\n  return host === undefined ? null : `all/${host}`;',
    seed: 75,
  },
  {
    name: 'a hold counts as an attempt',
    file: 'deliver/deliver.ts',
    find: 'const wakeUp = await sendNext(message, message.attempts, dueAt, world);',
    replace: 'const wakeUp = await sendNext(message, message.attempts + 1, dueAt, world);',
    seed: 0,
  },
  {
    name: 'nobody is told until when a webhook is held',
    file: 'deliver/deliver.ts',
    find: 'putOff(job, message, heldUntil, held, world)',
    replace: 'putOff(job, message, heldUntil, awaiting, world)',
    seed: 0,
  },
];
