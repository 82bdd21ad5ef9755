/** How people poll: seconds to wait before the nth look, from 0, in whole seconds as everything here. */
export interface Schedule {
  name: string;
  waitBefore(nth: number, random: () => number): number;
}

function backOff(name: string, factor: number, cap: number): Schedule {
  return { name, waitBefore: (nth) => Math.max(1, Math.round(Math.min(cap, factor ** nth))) };
}

export const BACK_OFF = backOff('×2 from 1 s, cap 30 s', 2, 30);

export const SCHEDULES: Schedule[] = [
  { name: 'every 2 s', waitBefore: () => 2 },
  { name: 'every 10 s', waitBefore: () => 10 },
  BACK_OFF,
  backOff('×1.5 from 1 s, cap 15 s', 1.5, 15),
  {
    // Looks at once, then waits anything up to 5 s, 7.5 s, … 300 s: the default of createWaitStrategy in AWS's SDK,
    // which gives up after 60 looks (here it does not).
    name: 'Lambda durable functions, waitForCondition',
    waitBefore: (nth, random) =>
      nth === 0 ? 0 : Math.max(1, Math.round(random() * Math.min(300, 5 * 1.5 ** (nth - 1)))),
  },
];
