import { describe, expect, it } from 'vitest';
import { TERMINAL, UNFINISHED } from '../../functions/core/job.ts';
import { DETAIL, FINISHING } from '../../lib/finishing.ts';
import { GOLDEN, golden } from '../edge/formats/golden.ts';
import { matches } from './event-pattern.ts';

const FINISHED = ['it has finished', 'another has finished'];

describe.each(GOLDEN)('of what a release has stored, %s,', (release) => {
  const chapters = Object.entries(golden(release));

  it('the changes by which a job ends are announced, and no others', () => {
    const announced = chapters.flatMap(([chapter, { rows }], i) => {
      const before = chapters[i - 1]?.[1].rows ?? {};
      const records = Object.entries(rows).map(([jobId, NewImage]) => ({
        eventName: jobId in before ? 'MODIFY' : 'INSERT',
        dynamodb: { OldImage: before[jobId], NewImage },
      }));
      return records.filter((record) => matches(FINISHING, record)).map(() => chapter);
    });
    expect(announced).toEqual(FINISHED);
  });

  it('a finished row has all that is told of it', () => {
    const [row = {}] = Object.values(golden(release)['it has finished']?.rows ?? {});
    for (const at of Object.values(DETAIL)) {
      const [name = '', type = ''] = at.split('.');
      expect(row[name]).toMatchObject({ [type]: expect.stringMatching(/./) });
    }
  });
});

describe('of all pairs of states,', () => {
  const all = [...UNFINISHED, ...TERMINAL, 'deleted'];
  const record = (from: string, to: string, more = {}) => ({
    eventName: 'MODIFY',
    dynamodb: { OldImage: { status: { S: from } }, NewImage: { status: { S: to }, ...more } },
  });
  const announced = (more = {}) =>
    all.flatMap((from) =>
      all.flatMap((to) => (matches(FINISHING, record(from, to, more)) ? [[from, to]] : [])),
    );

  it('those from one under way to a final one are announced', () => {
    expect(announced()).toEqual(UNFINISHED.flatMap((from) => TERMINAL.map((to) => [from, to])));
  });

  it('none of a part of a large job is', () => {
    expect(announced({ partOf: { S: 'job_1' } })).toEqual([]);
  });

  it.each(['INSERT', 'REMOVE'])('none is that is an %s', (eventName) => {
    const image = (status: string) => ({ status: { S: status } });
    for (const status of all) {
      const images = eventName === 'INSERT' ? { NewImage: image(status) } : { OldImage: image(status) };
      expect(matches(FINISHING, { eventName, dynamodb: images })).toBe(false);
    }
  });
});
