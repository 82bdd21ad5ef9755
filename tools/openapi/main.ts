import { readFile, writeFile } from 'node:fs/promises';
import { openApiDocument } from './document.ts';
import { referenceMarkdown } from './reference.ts';

/** Writes the document that the API serves, and docs/api.md. */
const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
const document = openApiDocument(version);
const json = JSON.stringify(document, null, 2);
await writeFile(new URL('../../functions/jobs/openapi.json', import.meta.url), `${json}\n`);
await writeFile(new URL('../../docs/api.md', import.meta.url), referenceMarkdown(JSON.parse(json)));
