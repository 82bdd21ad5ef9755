import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { SettingsSchema } from '../../lib/settings/settings.ts';

const README = new URL('../../README.md', import.meta.url);
const MARKED = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;

/** A README whose table of the settings says what lib/settings/settings.ts says. */
export function withSettingsTable(readme: string): string {
  if (!MARKED.test(readme)) throw new Error('README.md has no <!-- settings --> … <!-- /settings -->');
  return readme.replace(MARKED, (_match, start: string, end: string) => `${start}${settingsTable()}${end}`);
}

function settingsTable(): string {
  const defaults = new Map<string, unknown>(Object.entries(SettingsSchema.parse({})));
  const rows = Object.entries(SettingsSchema.shape).map(([name, schema]) => {
    const value = String(defaults.get(name) ?? '');
    return row(code(name), value === '' ? '–' : code(value), schema.meta()?.description ?? '');
  });
  return `${[row('setting', 'default', 'description'), '|---|---|---|', ...rows].join('\n')}\n`;
}

const code = (text: string) => `\`${text}\``;
const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;

/** What JSON Schema calls a type, as TypeScript does. */
interface JsonType {
  type?: string;
  enum?: string[];
  items?: JsonType;
  properties?: Record<string, JsonType>;
}

function typeOf({ type, enum: words, items, properties }: JsonType): string {
  if (words) return words.map((word) => `'${word}'`).join(' | ');
  if (items) return `readonly ${typeOf(items)}[]`;
  if (properties) return 'Destination';
  return type === 'integer' ? 'number' : String(type);
}

/** The source of lib/settings/props.ts, which says the same to TypeScript. */
export function propsSource(): string {
  const { stackName: _, ...shape } = SettingsSchema.shape;
  const defaults = new Map<string, unknown>(Object.entries(SettingsSchema.parse({})));
  const members = Object.entries(shape).map(([name, schema]) => {
    const { type, ...rest } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as JsonType;
    const value = defaults.get(name);
    const text = Array.isArray(value) && value.length === 0 ? undefined : value;
    const fallback = text === undefined ? '' : ` Default: ${JSON.stringify(text)}.`;
    const description = capitalized(
      (schema.meta()?.description ?? '').replaceAll(/\]\(docs\//g, '](../../docs/'),
    );
    return `  /** ${description}.${fallback} */\n  readonly ${name}?: ${typeOf({ ...rest, ...(type && { type }) })};`;
  });
  return PROPS.replace('MEMBERS', members.join('\n'));
}

const PROPS = `// Written by \`npm run settings\`, out of lib/settings/settings.ts.

/** A queue or a bus that jobs may name. */
export interface Destination {
  readonly name: string;
  readonly arn: string;
  /** By the names of clients; nobody else may use it. */
  readonly clients?: readonly string[];
}

export interface ModelStudioJobsProps {
MEMBERS
}
`;

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

if (import.meta.main) {
  writeFileSync(README, withSettingsTable(readFileSync(README, 'utf8')));
  writeFileSync(new URL('../../lib/settings/props.ts', import.meta.url), propsSource());
}
