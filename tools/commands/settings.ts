import { readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import { SettingsSchema } from '../../lib/settings/settings.ts';

const README = new URL('../../README.md', import.meta.url);
const MARKED = /(<!-- settings -->\n)[\s\S]*?(<!-- \/settings -->)/;
const PROPS = new URL('../../lib/settings/props.ts', import.meta.url);
const MEMBERS = /(?<=interface ModelStudioJobsProps \{\n)[\s\S]*?(?=\n\})/;
const MEMBER = /\/\*\* (.*?)\.(?: Default: .*\.)? \*\/\n {2}readonly (\w+)\?:/g;
/** That of bin/app.ts: a construct has none. */
const STACK_NAME = 'The name of the stack; several stacks can share one account and region';

/** What each setting is for, by the comments in lib/settings/props.ts. */
function descriptions(): Map<string, string> {
  const [members = ''] = MEMBERS.exec(readFileSync(PROPS, 'utf8')) ?? [];
  const described = [...members.matchAll(MEMBER)].map(([, text = '', name = '']) => [name, text] as const);
  return new Map([['stackName', STACK_NAME], ...described]);
}

const defaults = () => new Map<string, unknown>(Object.entries(SettingsSchema.parse({})));

/** A README whose table of the settings says what lib/settings/ says. */
export function withSettingsTable(readme: string): string {
  if (!MARKED.test(readme)) throw new Error('README.md has no <!-- settings --> … <!-- /settings -->');
  return readme.replace(MARKED, (_match, start: string, end: string) => `${start}${settingsTable()}${end}`);
}

function settingsTable(): string {
  const [values, described] = [defaults(), descriptions()];
  const rows = Object.keys(SettingsSchema.shape).map((name) => {
    const value = String(values.get(name) ?? '');
    const description = uncapitalized(described.get(name) ?? '').replaceAll('](../../docs/', '](docs/');
    return row(code(name), value === '' ? '–' : code(value), description);
  });
  return `${[row('setting', 'default', 'description'), '|---|---|---|', ...rows].join('\n')}\n`;
}

const code = (text: string) => `\`${text}\``;
const row = (...cells: string[]) => `| ${cells.join(' | ')} |`;
const uncapitalized = (text: string) => text.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());

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

/** lib/settings/props.ts, with the types and defaults that the settings have. */
export function propsSource(): string {
  const { stackName: _, ...shape } = SettingsSchema.shape;
  const [values, described] = [defaults(), descriptions()];
  const members = Object.entries(shape).map(([name, schema]) => {
    const description = described.get(name);
    if (description === undefined) throw new Error(`lib/settings/props.ts does not say what ${name} is for`);
    const { type, ...rest } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' }) as JsonType;
    const value = values.get(name);
    const text = Array.isArray(value) && value.length === 0 ? undefined : value;
    const fallback = text === undefined ? '' : ` Default: ${JSON.stringify(text)}.`;
    return `  /** ${description}.${fallback} */\n  readonly ${name}?: ${typeOf({ ...rest, ...(type && { type }) })};`;
  });
  return readFileSync(PROPS, 'utf8').replace(MEMBERS, () => members.join('\n'));
}

if (import.meta.main) {
  writeFileSync(README, withSettingsTable(readFileSync(README, 'utf8')));
  writeFileSync(PROPS, propsSource());
}
