import { describe, expect, it } from 'vitest';
import { circlesIn, sources, tooLongIn } from '../../house.ts';

const all = sources('clients/typescript/*.ts');
const written = all.filter(({ path }) => !path.endsWith('/types.ts'));

it('there are files to check', () => expect(all.length).toBeGreaterThan(5));

describe('the client runs wherever the standards of the web do:', () => {
  it.each(all)(
    '$path imports nothing from elsewhere, and uses nothing that only one runtime has',
    ({ code, imports }) => {
      expect(imports.filter((name) => !/^\.\/[\w-]+\.ts$/.test(name))).toEqual([]);
      expect(code).not.toMatch(
        /\b(process|Buffer|require|__dirname|Deno|Bun|setImmediate|window|document)\b/,
      );
    },
  );
});

it.each(written)('$path is short enough to read', (source) => expect(tooLongIn(source)).toEqual([]));

it('no files import each other in a circle', () => expect(circlesIn(all)).toEqual([]));
