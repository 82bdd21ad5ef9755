import { readFileSync } from 'node:fs';

const CHECK_EVERY_MILLISECONDS = 100;
/** After such a gap, this process has slept along with the whole machine, and the shell has woken up with it. */
const ASLEEP_MILLISECONDS = 1000;

/**
 * Calls back when npm, which has started this process, has ended or was told to end. Between the two there is a shell
 * that passes no signal on: a SIGTERM ends it, and a SIGINT it keeps until this process has ended. `exec` would take
 * it out of the way, which Windows' shell does not know.
 */
export function onParentEnd(callback: () => void): void {
  const parent = process.ppid;
  let waiting = waitingShell(parent);
  let checkedAt = Date.now();
  const timer = setInterval(() => {
    const wasAsleep = Date.now() - checkedAt > ASLEEP_MILLISECONDS;
    checkedAt = Date.now();
    const now = waitingShell(parent);
    if (process.ppid === parent && (now === waiting || wasAsleep)) {
      waiting = now;
      return;
    }
    clearInterval(timer);
    callback();
  }, CHECK_EVERY_MILLISECONDS);
  timer.unref();
}

/**
 * What changes of a shell that waits when a signal wakes it, or its own parent ends. Null where it cannot be seen, as
 * on macOS, whose shell leaves its process to the script.
 */
function waitingShell(pid: number): string | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const isShell = /^Name:\s+sh$/m.test(status);
    return isShell ? (status.match(/^(PPid|voluntary_ctxt_switches):.*$/gm) ?? []).join() : null;
  } catch {
    return null;
  }
}
