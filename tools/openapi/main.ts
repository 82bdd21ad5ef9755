import { readFile, writeFile } from 'node:fs/promises';
import { openApiDocument } from './document.ts';
import { referenceMarkdown } from './reference.ts';
import { typesSource } from './types.ts';

/** Writes the document that the API serves, docs/api.md, and the TypeScript client's types. */
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
const document = openApiDocument(version);
const json = JSON.stringify(document, null, 2);
await writeFile(new URL('../../functions/jobs/openapi.json', import.meta.url), `${json}\n`);
await writeFile(new URL('../../docs/api.md', import.meta.url), referenceMarkdown(JSON.parse(json)));
await writeFile(new URL('../../clients/typescript/types.ts', import.meta.url), typesSource(JSON.parse(json)));
