import { describe, expect, it } from 'vitest';
import { listKeyOf } from '../../functions/core/http/list-cursor.ts';
import { parseListQuery } from '../../functions/core/http/list-query.ts';

const ALL = { status: null, webhookStatus: null, limit: 20, from: '9999999999999', to: '0000000000000' };
const cursor = '1767225600000_job_1';

describe('listKeyOf', () => {
  const at = (createdAt: number, jobId = 'job_1') => listKeyOf({ jobId, createdAt });

  it('orders jobs by creation, then by id', () => {
    const inOrder = [at(0), at(999), at(1000), at(10_000_000_000, 'job_a'), at(10_000_000_000, 'job_b')];
    expect(inOrder.toSorted()).toEqual(inOrder);
  });

  it('gives a key that lies in exactly the ranges that hold its moment', () => {
    const moment = Date.UTC(2026, 0, 1);
    const key = at(moment);
    const isIn = (query: string) => {
      const range = parseListQuery(query);
      if ('faults' in range) throw new Error(query);
      return key < range.from && key >= range.to;
    };
    expect(isIn('')).toBe(true);
    expect(isIn('created_after=2025-12-31T23:59:59.999Z')).toBe(true);
    expect(isIn('created_after=2026-01-01T00:00:00Z')).toBe(false);
    expect(isIn('created_before=2026-01-01T00:00:00.001Z')).toBe(true);
    expect(isIn('created_before=2026-01-01T00:00:00Z')).toBe(false);
  });

  it('gives a key that the API accepts as a cursor', () => {
    expect(at(Date.UTC(2026, 0, 1), `job_${'a'.repeat(26)}`)).toMatch(/^[A-Za-z0-9_-]{1,128}$/);
  });
});

describe('parseListQuery', () => {
  it.each<[query: string, read: object]>([
    ['', ALL],
    ['status=running', { ...ALL, status: 'running' }],
    ['webhook_status=gone', { ...ALL, webhookStatus: 'gone' }],
    ['status=failed&webhook_status=exhausted', { ...ALL, status: 'failed', webhookStatus: 'exhausted' }],
    ['limit=1', { ...ALL, limit: 1 }],
    ['limit=100', { ...ALL, limit: 100 }],
    [`cursor=${cursor}`, { ...ALL, from: cursor }],
    ['cursor=1767225600000', { ...ALL, from: '1767225600000' }],
    ['cursor=', ALL],
    ['cursor=&limit=1', { ...ALL, limit: 1 }],
    ['created_after=2026-01-01T00:00:00Z', { ...ALL, to: '1767225600001' }],
    ['created_after=2026-01-01t00:00:00z', { ...ALL, to: '1767225600001' }],
    ['created_before=2026-01-01T01:00:00%2B01:00', { ...ALL, from: '1767225600000' }],
    [`created_before=2025-01-01T00:00:00Z&cursor=${cursor}`, { ...ALL, from: '1735689600000' }],
    [`created_before=2027-01-01T00:00:00Z&cursor=${cursor}`, { ...ALL, from: cursor }],
  ])('reads the query "%s"', (query, read) => {
    expect(parseListQuery(query)).toEqual(read);
  });

  it.each<[query: string, ...messages: RegExp[]]>([
    ['webhook_status=lost', /"webhook_status" must be one of pending, delivered, exhausted, gone, blocked/],
    ['limit=0', /"limit" must be a whole number from 1 to 100/],
    ['limit=101', /limit/],
    ['limit=1e1', /limit/],
    ['limit=010', /limit/],
    ['limit=', /limit/],
    ['limit=5&limit=5', /"limit" must be given once/],
    ['status=done', /"status" must be one of queued, submitting, running, completed/],
    ['status=', /status/],
    ['created_after=yesterday', /"created_after" must be a date and time with its zone/],
    [
      'created_after=2026-01-01T00:00:00+00:00',
      /"created_after" has a blank where a \+ was: write .* as %2B/,
    ],
    ['created_before=2026-01-01T00:00:00.5+05:30', /"created_before" has a blank where a \+ was/],
    ['created_after=2026-01-01+00:00:00Z', /"created_after" must be a date and time with its zone/],
    ['created_after=+', /"created_after" must be/],
    ['created_after=2026-01-01', /created_after/],
    ['created_before=2026-13-01T00:00:00Z', /created_before/],
    ['created_before=2026-02-30T00:00:00Z', /created_before/],
    ['cursor=&cursor=', /"cursor" must be given once/],
    ['cursor=job_1', /"cursor" must be the next_cursor/],
    [`cursor=${cursor}%0a`, /cursor/],
    ['page=2', /"page" is unknown/],
    ['Limit=2', /"Limit" is unknown/],
    ['limit=x&status=x&page=2', /limit|status/, /limit|status/, /page/],
  ])('refuses the query "%s"', (query, ...messages) => {
    const read = parseListQuery(query);
    if (!('faults' in read)) throw new Error('was taken');
    expect(read.faults.map(({ message }) => message)).toEqual(
      messages.map((message) => expect.stringMatching(message)),
    );
  });

  it('reports a bounded number of faults', () => {
    const read = parseListQuery(Array.from({ length: 2000 }, (_, i) => `${'x'.repeat(100)}${i}=1`).join('&'));
    expect('faults' in read && read.faults.length).toBe(20);
    expect(JSON.stringify(read).length).toBeLessThan(5000);
  });
});
