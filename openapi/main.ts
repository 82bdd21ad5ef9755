import { readFile, writeFile } from 'node:fs/promises';
import { openApiDocument } from './document.ts';

/** Writes the document that the API serves, beside this file. */
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const document = JSON.stringify(openApiDocument(version), null, 2);
await writeFile(new URL('openapi.json', import.meta.url), `${document}\n`);
