import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { ROUTES } from '../../../functions/core/http/routes.ts';
import committed from '../../../functions/jobs/openapi.json' with { type: 'json' };
import packageJson from '../../../package.json' with { type: 'json' };
import { openApiDocument } from '../../../tools/openapi/document.ts';

it('the document matches the routes and schemas: after a change, run npm run openapi and look at the difference', () => {
  expect(JSON.parse(JSON.stringify(openApiDocument(packageJson.version)))).toEqual(committed);
});

it('the document is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(committed));
  expect([valid, errors]).toEqual([true, undefined]);
  expect(committed.openapi).toBe('3.1.0');
});

it('the document has every route', () => {
  const described = Object.values(committed.paths).flatMap((path) => Object.values(path));
  expect(described.map(({ operationId }) => operationId).sort()).toEqual(
    ROUTES.map(({ operation }) => operation).sort(),
  );
});
