import { describe, expect, it } from 'vitest';
import { aboutJob, requestTraceId, traceIn, traceparentOf } from '../../functions/core/trace.ts';

const TRACE_ID = '12345678901234567890123456789012';
const PARENT_ID = '1234567890123456';
const VALID = `00-${TRACE_ID}-${PARENT_ID}-01`;
const OWN = /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/;

const traceOf = (traceparent: string | undefined) => traceIn({ traceparent }, false).trace;
const stateOf = (tracestate: string | undefined, traceparent = VALID) =>
  traceIn({ traceparent, tracestate }, true).tracestate;

/** Of the kinds that the test suite of https://github.com/w3c/trace-context has. */
describe('a traceparent', () => {
  it.each<[what: string, traceparent: string, flags: string]>([
    ['that is sampled', VALID, '01'],
    ['that is not sampled', VALID.replace(/01$/, '00'), '00'],
    ['of a random trace', VALID.replace(/01$/, '02'), '02'],
    ['with flags that have no meaning yet', VALID.replace(/01$/, 'ff'), '03'],
    ['of a later version', VALID.replace('00', 'cc'), '01'],
    [
      'of a later version with more members',
      `${VALID.replace('00', 'cc')}-what-the-future-will-be-like`,
      '01',
    ],
    ['with spaces around it', ` ${VALID}  `, '01'],
    ['with tabs around it', `\t${VALID}\t`, '01'],
  ])('%s is taken', (_what, traceparent, flags) => {
    expect(traceOf(traceparent)).toBe(`${TRACE_ID}-${flags}`);
  });

  it.each<[what: string, traceparent: string | undefined]>([
    ['there is none', undefined],
    ['it is empty', ''],
    ['version 00 has more characters', `${VALID}.`],
    ['version 00 has more members', `${VALID}-what-the-future-will-be-like`],
    ['a later version goes on without a dash', `${VALID.replace('00', 'cc')}.what-the-future-will-be-like`],
    ['the version is ff', VALID.replace('00', 'ff')],
    ['the version has a character that it must not have', VALID.replace('00', '.0')],
    ['the version has another such character', VALID.replace('00', '0.')],
    ['the version is too long', `0${VALID}`],
    ['the version is too short', VALID.slice(1)],
    ['the trace id is all zeros', VALID.replace(TRACE_ID, '0'.repeat(32))],
    ['the trace id has a character that it must not have', VALID.replace(TRACE_ID, `.${TRACE_ID.slice(1)}`)],
    ['the trace id is in upper case', VALID.replace(TRACE_ID, `${TRACE_ID.slice(0, 30)}AB`)],
    ['the trace id is too long', VALID.replace(TRACE_ID, `${TRACE_ID}3`)],
    ['the trace id is too short', VALID.replace(TRACE_ID, TRACE_ID.slice(1))],
    ['the parent id is all zeros', VALID.replace(`-${PARENT_ID}-`, `-${'0'.repeat(16)}-`)],
    [
      'the parent id has a character that it must not have',
      VALID.replace(`-${PARENT_ID}-`, '-.234567890123456-'),
    ],
    ['the parent id is in upper case', VALID.replace(`-${PARENT_ID}-`, '-123456789012345A-')],
    ['the parent id is too long', VALID.replace(`-${PARENT_ID}-`, `-${PARENT_ID}7-`)],
    ['the parent id is too short', VALID.replace(`-${PARENT_ID}-`, '-123456789012345-')],
    ['the flags have a character that they must not have', VALID.replace(/01$/, '.0')],
    ['the flags are in upper case', VALID.replace(/01$/, '0A')],
    ['the flags are too long', `${VALID}1`],
    ['the flags are too short', VALID.slice(0, -1)],
    ['there are two', `${VALID},${VALID}`],
    ['there are two of a later version', `cc${VALID.slice(2)}-x,cc${VALID.slice(2)}-x`],
    ['it is of two lines', `${VALID}\n`],
    ['it has another kind of space', `\u00a0${VALID}`],
  ])('is ignored if %s', (_what, traceparent) => {
    expect(traceOf(traceparent)).toBeUndefined();
  });
});

describe('a tracestate', () => {
  it.each<[what: string, tracestate: string, kept?: string]>([
    ['of one member', 'congo=t61rcWkgMzE'],
    ['of several', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE'],
    ['with spaces between its members', 'rojo=1 , congo=2', 'rojo=1,congo=2'],
    ['with empty members', 'rojo=1,,congo=2,', 'rojo=1,congo=2'],
    ['with the key of a tenant', 'fw529a3039@dt=FfYJAAAAAA'],
    ['with spaces inside a value', 'rojo=a b'],
    ['of 32 members', Array.from({ length: 32 }, (_, i) => `a${i}=1`).join(',')],
    ['of 512 characters', `rojo=${'1'.repeat(256)},b=${'1'.repeat(248)}`],
  ])('%s is kept', (_what, tracestate, kept = tracestate) => {
    expect(stateOf(tracestate)).toBe(kept);
  });

  it.each<[what: string, tracestate: string | undefined, traceparent?: string]>([
    ['there is none', undefined],
    ['it is empty', ''],
    ['it is nothing but commas', ' , ,'],
    ['a key has no value', 'rojo=1,congo'],
    ['a value is empty', 'rojo='],
    ['a value is too long', `rojo=${'1'.repeat(257)}`],
    ['a value has an equals sign', 'rojo=1=2'],
    ['a value has a control character', 'rojo=1\u00012'],
    ['a value is not ASCII', 'rojo=é'],
    ['a key is in upper case', 'Rojo=1'],
    ['a key is too long', `${'a'.repeat(257)}=1`],
    ['a key comes twice', 'rojo=1,congo=2,rojo=3'],
    ['it has 33 members', Array.from({ length: 33 }, (_, i) => `a${i}=1`).join(',')],
    ['it has 513 characters', `rojo=${'1'.repeat(256)},b=${'1'.repeat(249)}`],
    ['the traceparent is not valid', 'rojo=1', `${VALID}.`],
  ])('is dropped if %s', (_what, tracestate, traceparent = VALID) => {
    expect(stateOf(tracestate, traceparent)).toBeUndefined();
  });

  it('is not kept unless the setting says so', () => {
    expect(traceIn({ traceparent: VALID, tracestate: 'rojo=1' }, false)).toEqual({ trace: `${TRACE_ID}-01` });
  });
});

describe('a call for a job', () => {
  const job = { jobId: 'job_1', version: 3 };
  const parentIdOf = (header: string) => header.split('-')[2];

  it('is in the trace of its submission, with the flags of that', () => {
    const header = traceparentOf({ ...job, trace: `${TRACE_ID}-00` }, 1000);
    expect(header).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-00$`));
  });

  it('is in a trace of its own if the submission came without one, the same each time', () => {
    const [, traceId] = OWN.exec(traceparentOf(job, 1000)) ?? [];
    expect(traceId).toBe(OWN.exec(traceparentOf({ ...job, version: 4 }, 2000))?.[1]);
    expect(traceId).toBe(aboutJob(job).trace_id);
    expect(traceId).not.toBe(aboutJob({ jobId: 'job_2' }).trace_id);
  });

  it('has a parent id of its own', () => {
    const calls = [
      traceparentOf(job, 1000),
      traceparentOf(job, 1001),
      traceparentOf({ ...job, version: 4 }, 1000),
      traceparentOf({ ...job, jobId: 'job_2', trace: `${TRACE_ID}-01` }, 1000),
    ];
    expect(new Set(calls.map(parentIdOf)).size).toBe(calls.length);
  });
});

describe('a request', () => {
  const request = { method: 'GET', path: '/', query: '', body: Buffer.alloc(0), requestId: 'r1' };

  it('is in the trace that it comes with', () => {
    expect(requestTraceId({ ...request, headers: { traceparent: VALID } })).toBe(TRACE_ID);
  });

  it('is in one of its own otherwise', () => {
    const own = requestTraceId({ ...request, headers: { traceparent: `${VALID}.` } });
    expect(own).toMatch(/^[0-9a-f]{32}$/);
    expect(own).toBe(requestTraceId({ ...request, headers: {} }));
    expect(own).not.toBe(requestTraceId({ ...request, headers: {}, requestId: 'r2' }));
  });
});
