import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { closeServer, listenLocally } from '../../http/server.ts';
import { logLines } from './log-lines.ts';
import type { FunctionSettings, Runtime, RuntimeEvents } from './runtime.ts';
import { createRuntimeApi } from './runtime-api.ts';

/** AWS's own client of the Runtime API, which `npm run test:more` builds here. */
export const CLIENT_FOLDER = fileURLToPath(new URL('../../../../dist/aws-lambda-ric', import.meta.url));
export const CLIENT = path.join(CLIENT_FOLDER, 'node_modules', 'aws-lambda-ric', 'index.mjs');

export function startProcess(settings: FunctionSettings, events: RuntimeEvents): Runtime {
  const api = createRuntimeApi(settings, events);
  let child: ChildProcess | undefined;
  let isEnded = false;
  const live = async () => {
    // Away from any package.json, which would say what kind of module a bundle is and which Lambda never sees.
    const taskRoot = await mkdtemp(path.join(tmpdir(), 'task-'));
    try {
      await cp(settings.environment['LAMBDA_TASK_ROOT'] ?? '', taskRoot, { recursive: true });
      const { host } = new URL(await listenLocally(api.server));
      if (isEnded) return 'The runtime was ended before it began';
      const started = spawnClient(settings, { LAMBDA_TASK_ROOT: taskRoot, AWS_LAMBDA_RUNTIME_API: host });
      child = started;
      const [code, signal] = await once(started, 'close');
      return `Runtime exited with error: ${signal === null ? `exit status ${code}` : `signal: ${signal}`}`;
    } finally {
      await Promise.all([closeServer(api.server), rm(taskRoot, { recursive: true, force: true })]);
    }
  };
  const exited = live().catch(String).then(events.onExit);
  return {
    exited,
    run: api.run,
    end() {
      isEnded = true;
      child?.kill('SIGKILL');
    },
  };
}

function spawnClient({ environment, memoryMegabytes, onLog }: FunctionSettings, own: Record<string, string>) {
  const args = [`--max-old-space-size=${memoryMegabytes}`, CLIENT];
  const child = spawn(process.execPath, args, {
    env: { ...environment, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  logLines(child, { onLog });
  return child;
}
