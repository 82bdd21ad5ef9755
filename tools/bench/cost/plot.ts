export interface Bar {
  name: string;
  dollars: number;
  isOurs: boolean;
}

const WIDTH = 900;
const LEFT = 470;
const ROW = 26;
const TOP = 44;
const DOLLARS_MIN = 1;
const DOLLARS_MAX = 1000;

/** Horizontal bars on a logarithmic scale, the dearest first. */
export function costPlot(title: string, bars: readonly Bar[]): string {
  const height = TOP + bars.length * ROW + 30;
  const x = (dollars: number) =>
    LEFT + ((WIDTH - LEFT - 70) * Math.log(dollars / DOLLARS_MIN)) / Math.log(DOLLARS_MAX / DOLLARS_MIN);
  const sorted = bars.toSorted((a, b) => b.dollars - a.dollars);
  const rows = sorted.map(({ name, dollars, isOurs }, i) => {
    const y = TOP + i * ROW;
    const width = (x(dollars) - LEFT).toFixed(1);
    return [
      `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${escaped(name)}</text>`,
      `<rect x="${LEFT}" y="${y + 3}" width="${width}" height="${ROW - 8}" fill="${isOurs ? '#0b7a75' : '#b9b4ae'}"/>`,
      `<text x="${(x(dollars) + 6).toFixed(1)}" y="${y + 15}">$${dollars.toFixed(dollars < 100 ? 2 : 0)}</text>`,
    ].join('');
  });
  const bottom = TOP + bars.length * ROW;
  const ticks = [1, 10, 100, 1000].map((dollars) => {
    const at = x(dollars).toFixed(1);
    return (
      `<line x1="${at}" x2="${at}" y1="${TOP}" y2="${bottom}" stroke="#ddd"/>` +
      `<text x="${at}" y="${bottom + 16}" text-anchor="middle" fill="#666">$${dollars}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="16" y="24" font-size="15" font-weight="600">${escaped(title)}</text>`,
    ...ticks,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
