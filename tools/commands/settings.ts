import { readFileSync, writeFileSync } from 'node:fs';
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

if (import.meta.main) writeFileSync(README, withSettingsTable(readFileSync(README, 'utf8')));
