/** A table whose first column is words and whose others are figures. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
  const rule = header.map((_, i) => (i === 0 ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)].join('\n');
}

/** With as many digits as say something: 0.042, 4.2, 42, 420. */
export function figure(value: number): string {
  if (value === 0) return '–';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 3));
}

export const dollars = (value: number): string => `$${value < 100 ? value.toFixed(2) : value.toFixed(0)}`;
