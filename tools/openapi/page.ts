/**
 * A page as what is on it, to be written as Markdown or as HTML. Its texts have Markdown's `code` and [links](#anchor),
 * and nothing else of it.
 */
export type Block =
  | { heading: string; level: 1 | 2 | 3 }
  | { text: string }
  | { code: string }
  | { caption: string; columns: string[]; rows: string[][] };

/** Of a heading, as GitHub makes it. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9_ -]/g, '')
    .replaceAll(' ', '-');
}

export function asMarkdown(blocks: readonly Block[]): string {
  return `${blocks.map(markdownOf).join('\n\n')}\n`;
}

function markdownOf(block: Block): string {
  if ('heading' in block) return `${'#'.repeat(block.level)} ${block.heading}`;
  if ('text' in block) return literally(block.text);
  if ('code' in block) return `\`\`\`json\n${block.code}\n\`\`\``;
  const rows = [block.columns, block.columns.map(() => '---'), ...block.rows.map((row) => row.map(cell))];
  return `**${block.caption}**\n\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}`;
}

const cell = (text: string) => literally(text).replaceAll('|', '\\|');

/** What is no code and no link means nothing to Markdown. */
function literally(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<*]/g, '\\$&')))
    .join('');
}

/** One file with nothing outside it. Read from top to bottom it needs no script. */
export function asHtml(title: string, blocks: readonly Block[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${blocks.map(htmlOf).join('\n')}
</main>
</body>
</html>
`;
}

function htmlOf(block: Block): string {
  if ('heading' in block) {
    const { level, heading } = block;
    return `<h${level} id="${anchorOf(heading)}">${escaped(heading)}</h${level}>`;
  }
  if ('text' in block) return `<p>${inline(block.text)}</p>`;
  if ('code' in block) return `<pre><code>${escaped(block.code)}</code></pre>`;
  const head = block.columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('');
  const body = block.rows.map(([first = '', ...rest]) => {
    const cells = rest.map((text) => `<td>${inline(text)}</td>`).join('');
    return `<tr><th scope="row">${inline(first)}</th>${cells}</tr>`;
  });
  return `<table>
<caption>${escaped(block.caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table>`;
}

function inline(text: string): string {
  return escaped(text)
    .replace(/`([^`]*)`/g, '<code>$1</code>')
    .replace(/\[([^\]]+)\]\((#[^)]+)\)/g, '<a href="$2">$1</a>');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const STYLE = `
:root { color-scheme: light dark; --text: #1c2024; --back: #fff; --soft: #f2f4f6; --line: #d0d5da; --link: #0b57a4 }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --back: #14171a; --soft: #22272c; --line: #3b424a; --link: #8cc4ff }
}
body { margin: 0; color: var(--text); background: var(--back); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 52rem; margin: 0 auto; padding: 1rem }
h1, h2, h3 { line-height: 1.2; margin: 2.5rem 0 0.5rem }
h1 { margin-top: 1rem }
a { color: var(--link) }
code { font: 0.875em/1.4 ui-monospace, monospace; background: var(--soft); border-radius: 0.2rem; padding: 0 0.2em }
pre { background: var(--soft); padding: 0.75rem; border-radius: 0.3rem; white-space: pre-wrap }
pre code { padding: 0; background: none }
table { width: 100%; border-collapse: collapse; margin: 1rem 0 }
caption { text-align: left; font-weight: 600; padding: 0.3rem 0 }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.5rem; border-top: 1px solid var(--line) }
tbody th { font-weight: 400 }
p, pre, th, td { overflow-wrap: anywhere }
@media (max-width: 40rem) {
  main { padding: 0.75rem }
  table { font-size: 0.875rem }
  th, td { padding: 0.3rem 0.25rem }
}
`;
