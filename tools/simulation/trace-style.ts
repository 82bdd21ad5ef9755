const HUES = [255, 330, 25, 145, 85, 200];
const hues = HUES.map((hue, i) => `.j${i + 1}{--c:oklch(var(--l) .15 ${hue})}`).join('');

/** Of the page of a run, in light and dark. */
export const STYLE = `
:root{color-scheme:light dark;--l:.55;--bg:#fbfbfd;--panel:#fff;--ink:#1d2330;--soft:#6b7383;--line:#e3e6ec;--work:#c9d3e6;--bad:#c62840;--good:#1b8a5a}
@media(prefers-color-scheme:dark){:root{--l:.74;--bg:#12151c;--panel:#191d26;--ink:#e6e9f0;--soft:#8d96a8;--line:#2a303c;--work:#36435c;--bad:#ff6b7d;--good:#4cc38a}}
${hues}
.j0{--c:var(--soft)}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:14px/1.5 system-ui,sans-serif}
header{padding:22px 28px 14px;max-width:1400px}
h1{font-size:22px;margin:0;letter-spacing:-.01em}
header p{margin:2px 0;color:var(--soft)}
header .held{color:var(--good);font-weight:600}
header .broken{color:var(--bad);font-weight:600}
code{font:12px ui-monospace,monospace;background:var(--panel);border:1px solid var(--line);border-radius:5px;padding:1px 6px}
nav{display:flex;flex-wrap:wrap;gap:8px;margin-top:12px;align-items:center}
label{border:1px solid var(--line);border-radius:99px;padding:3px 12px;background:var(--panel);cursor:pointer;color:var(--c,var(--ink));font-weight:600;font-size:13px}
label:has(:checked){border-color:var(--c);box-shadow:0 0 0 1px var(--c)}
label:has(:focus-visible){outline:2px solid var(--c);outline-offset:2px}
label input{position:absolute;opacity:0}
.key{color:var(--soft);font-size:12px;margin-left:10px}
.key i{display:inline-block;width:22px;margin:0 4px 3px 12px;border-top:2px solid var(--soft)}
.key .thin{border-top-width:1px}
.key .dashed{border-top-style:dashed}
.key .dot{width:10px;height:10px;margin-bottom:-1px;border:0;border-radius:9px;background:var(--bad)}
main{overflow-x:auto;padding:0 16px 40px}
svg{display:block;font:11px system-ui,sans-serif;fill:var(--ink)}
.lane rect{fill:var(--panel);stroke:var(--line)}
.lane text{text-anchor:middle;font-weight:600;font-size:12px}
.lane.ModelStudio rect,.lane.receiver rect,.lane.app rect{stroke-dasharray:4 3;stroke:var(--soft)}
.life{stroke:var(--line);fill:none}
.pause{stroke:var(--line);stroke-dasharray:1 5;stroke-linecap:round;stroke-width:2}
.time,.gap{text-anchor:end;fill:var(--soft);font:10px ui-monospace,monospace}
.gap{font-style:italic;font-family:system-ui,sans-serif}
.msg{stroke:var(--c);stroke-width:2;fill:none;marker-end:url(#a)}
.msg.again{stroke-dasharray:6 3}
.call,.ans{stroke:var(--c);stroke-width:1.2;fill:none;marker-end:url(#a)}
.ans{stroke-dasharray:4 3}
.call.bad,.ans.bad{stroke:var(--bad)}
.lab{fill:var(--c);paint-order:stroke;stroke:var(--bg);stroke-width:4px;stroke-linejoin:round}
.lab.end{text-anchor:end}
.lab.bad,.lab.f{fill:var(--bad)}
.lab.f{font-weight:600}
.work{fill:var(--work)}
.work.dead{fill:none;stroke:var(--bad);stroke-dasharray:2 2}
.cross{stroke:var(--bad);stroke-width:2.5;stroke-linecap:round}
g.f circle{fill:var(--bad);stroke:var(--bg);stroke-width:2}
g.f text{fill:var(--bg);text-anchor:middle;font-size:9px;font-weight:700}
rect.state{fill:var(--soft)}
rect.submitting{fill:#e0a100}rect.running{fill:#3b82f6}rect.completed{fill:#1b9e6b}rect.failed{fill:#d64545}rect.cancelled{fill:#8a8f9c}rect.expired{fill:#9b5de5}
rect.pending{opacity:.45}
text.state{font-weight:600;paint-order:stroke;stroke:var(--bg);stroke-width:4px}
`;
