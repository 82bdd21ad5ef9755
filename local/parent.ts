const CHECK_EVERY_MILLISECONDS = 200;

/**
 * Calls back when the process that started this one has ended.
 * npm hands a SIGTERM to the shell between it and its script, and that shell ends without passing it on.
 */
export function onParentEnd(callback: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, CHECK_EVERY_MILLISECONDS);
  timer.unref();
}
