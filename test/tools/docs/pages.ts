import { globSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { anchorOf } from '../../../tools/openapi/page.ts';

export const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What somebody reads who has not read the code. */
const PAGES = ['*.md', 'docs/**/*.md', 'examples/**/*.md'];

export interface Page {
  path: string;
  text: string;
  /** Its blocks between fences, with the language after the first of them. */
  fences: { language: string; text: string }[];
  /** Without the fenced blocks. */
  prose: string;
}

const FENCE = /^ *```(\S*)\n([\s\S]*?)^ *```$/gm;

export function pages(): Page[] {
  const isOurs = (name: string) => name !== 'node_modules';
  return globSync(PAGES, { cwd: root, exclude: (name) => !isOurs(name) })
    .sort()
    .map((path) => pageAt(path));
}

export function pageAt(path: string): Page {
  const text = readFileSync(`${root}/${path}`, 'utf8');
  const fences = [...text.matchAll(FENCE)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }));
  return { path, text, fences, prose: text.replace(FENCE, '') };
}

/** Targets of its links and pictures to other files of ours, or within the page. */
export function linksIn({ prose }: Page): string[] {
  const withoutCode = prose.replace(/`[^`]*`/g, 'code');
  const targets = [...withoutCode.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target);
  return [...new Set(targets.filter((target) => !/^[a-z]+:/.test(target)))];
}

export function anchorsIn({ prose }: Page): string[] {
  return [...prose.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

/** Made by commands, so they need not be there. */
const MADE = ['node_modules', 'dist', 'cdk.out'];

/** Every file and folder of the repository that it names from the top, without a link to it. */
export function pathsIn({ text }: Page): string[] {
  const tops = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !MADE.includes(entry.name) && entry.name !== '.git')
    .map(({ name }) => name.replaceAll('.', '\\.'));
  const named = new RegExp(`(?<![\\w./@:-])(?:${tops.join('|')})/[\\w./-]*`, 'g');
  const unlinked = text.replace(/\[[^\]]*\]\([^)]*\)/g, '');
  return [...new Set(unlinked.match(named) ?? [])].map((path) => path.replace(/\.$/, ''));
}

/** The commands of its `sh` blocks, each on a line of its own and without its comment. */
export function commandsIn({ fences }: Page): string[] {
  return fences
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.replaceAll(/\\\n\s*/g, '').split(/\n(?! )/))
    .map((command) => command.replace(/(^|\s)#.*$/, '').trim())
    .filter((command) => command !== '');
}

/** Everything that it sets as code: spans, and the lines of blocks that are commands or nothing special. */
export function codeIn(page: Page): string[] {
  const spans = [...page.prose.matchAll(/`([^`\n]+(?:\n[^`\n]+)?)`/g)].map(([, code = '']) => code);
  return [...spans.map((code) => code.replace(/\s+/g, ' ')), ...commandsIn(page)];
}
