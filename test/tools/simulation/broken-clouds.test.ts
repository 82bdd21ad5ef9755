import { describe, expect, it } from 'vitest';
import { loadPlanted, type Mutant } from '../../../tools/simulation/load.ts';
import type { CLAIMS } from '../../cloud/claims.ts';

/** Clouds that are kinder than AWS, or that the edge makes so. */
const BROKEN: Mutant[] = [
  {
    name: 'hands out what it has stored',
    file: 'test/cloud/table.ts',
    find: 'return stored ? { Item: copyOf(stored.item) } : {};',
    replace: 'return stored ? { Item: stored.item } : {};',
  },
  {
    name: 'stores what it was handed',
    file: 'test/cloud/table.ts',
    find: '{ item: copyOf(item), bytes }',
    replace: '{ item, bytes }',
  },
  {
    name: 'replaces a job of the same version, whenever it was created',
    file: 'functions/edge/jobs-table.ts',
    find: "'version = :version AND createdAt = :createdAt'",
    replace: "'version = :version'",
  },
  {
    name: 'has room for any document in the table',
    file: 'functions/edge/documents.ts',
    find: 'if (deflated === null || deflated.byteLength > TABLE_MAX_BYTES) {',
    replace: 'if (deflated !== null && deflated.byteLength > TABLE_MAX_BYTES) {',
  },
  {
    name: 'has indexes that know at once',
    file: 'test/cloud/table.ts',
    find: 'if (millis === 0) this.#writeIndex',
    replace: 'if (millis >= 0) this.#writeIndex',
  },
  {
    name: 'deletes what is past its time at once',
    file: 'test/cloud/table.ts',
    find: 'time.after(ttlMillis + lateMillis - time.now, () => {',
    replace: 'time.after(ttlMillis + 0 * lateMillis - time.now, () => {',
  },
  {
    name: 'deletes what has been given more time',
    file: 'test/cloud/table.ts',
    find: 'if (this.#ttlMillisOf(key) !== ttlMillis) return;',
    replace: '',
  },
  {
    name: 'keeps the objects that are past their time',
    file: 'test/cloud/cloud.ts',
    find: 'if (lateMillis === null) return {};',
    replace: 'if (lateMillis !== Number.NaN) return {};',
  },
  {
    name: 'takes all messages of a batch, or none',
    file: 'test/cloud/cloud.ts',
    find: 'if (!this.faults.isTaken()) {',
    replace: 'if (!this.faults.isTaken() && this.faults === null) {',
  },
  {
    name: 'is believed to have taken what it did not take',
    file: 'functions/edge/wake-ups.ts',
    find: 'for (const { Id, Code } of Failed)',
    replace: 'for (const { Id, Code } of Failed.slice(99))',
  },
  {
    name: 'makes two messages of one that it delivers twice',
    file: 'test/cloud/queue.ts',
    find: 'void this.#invoke([this.#deliveryOf(message, ',
    replace: 'void this.#invoke([this.#deliveryOf({ ...message }, ',
  },
  {
    name: 'gives up no message',
    file: 'test/cloud/queue.ts',
    find: 'if (message.receives > RECEIVES_MAX) {',
    replace: 'if (message.receives > 99 * RECEIVES_MAX) {',
  },
];

async function broken(mutant: Mutant): Promise<string[]> {
  const claims: typeof CLAIMS = (await loadPlanted(mutant, 'test/cloud/claims.ts'))['CLAIMS'];
  const failed: string[] = [];
  for (const [claim, holds] of Object.entries(claims)) await holds().catch(() => failed.push(claim));
  return failed;
}

describe('it is noticed of a simulated cloud that it', () => {
  it.each(BROKEN)('$name', async (mutant) => {
    expect((await broken(mutant)).length).toBeGreaterThan(0);
  });
});
