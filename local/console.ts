/** The console's page: what has happened so far, newest last, anew every second. */
export function consolePage(lines: readonly string[]): string {
  const log = lines.map(escapeHtml).join('\n') || 'Nothing yet. Submit a job and watch it here.';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="1">
<title>modelstudio-jobs</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
  pre { font: 14px/1.6 ui-monospace, monospace; overflow-x: auto; }
</style>
<h1>modelstudio-jobs</h1>
<pre>${log}</pre>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
