import { existsSync, readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort } from 'node:worker_threads';

export interface InvocationMessage {
  type: 'invocation';
  requestId: string;
  event: string;
  deadlineMs: number;
}

export type EnvironmentMessage = InvocationMessage | { type: 'end' };

export interface InvocationFailure {
  errorType: string;
  errorMessage: string;
  trace: string[];
}

export type WorkerMessage =
  | { type: 'ready' }
  | { type: 'result'; result: string }
  | { type: 'failure'; failure: InvocationFailure };

/** What `require` itself calls; Node's documented ways warn about being experimental once a bundle imports. */
interface CompilableModule extends Module {
  _compile(source: string, file: string, format: 'commonjs'): void;
}

type Handler = (event: unknown, context: object) => unknown;

const environment = process.env as Record<string, string>;
delete environment['NODE_COMPILE_CACHE'];
const loading = loadHandler(environment['LAMBDA_TASK_ROOT'] ?? '', environment['_HANDLER'] ?? '');

parentPort?.on('message', async (message: EnvironmentMessage) => {
  if (message.type === 'end') process.exit();
  post(await invoke(message));
});
const handler = await loading;
post({ type: 'ready' });

async function invoke({ requestId, event, deadlineMs }: InvocationMessage): Promise<WorkerMessage> {
  try {
    const answer = await handler(JSON.parse(event), contextOf(requestId, deadlineMs));
    return { type: 'result', result: JSON.stringify(answer) ?? 'null' };
  } catch (error) {
    return { type: 'failure', failure: failureOf(error) };
  }
}

function contextOf(awsRequestId: string, deadlineMs: number): object {
  const functionName = environment['AWS_LAMBDA_FUNCTION_NAME'];
  return {
    functionName,
    functionVersion: environment['AWS_LAMBDA_FUNCTION_VERSION'],
    invokedFunctionArn: `arn:aws:lambda:${environment['AWS_REGION']}:000000000000:function:${functionName}`,
    memoryLimitInMB: environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    awsRequestId,
    logGroupName: environment['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: environment['AWS_LAMBDA_LOG_STREAM_NAME'],
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function failureOf(error: unknown): InvocationFailure {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
}

async function loadHandler(taskRoot: string, handlerName: string): Promise<Handler> {
  const { dir, base } = path.parse(handlerName);
  const [file = '', ...exportName] = path.join(dir, base || handlerName).split('.');
  const exports = await loadModule(path.resolve(taskRoot, file));
  const found = exports[exportName.join('.')];
  if (typeof found === 'function') return found as Handler;
  throw new Error(`${handlerName} is undefined or not exported`);
}

async function loadModule(pathWithoutExtension: string): Promise<Record<string, unknown>> {
  const esModule = `${pathWithoutExtension}.mjs`;
  if (existsSync(esModule)) return (await import(pathToFileURL(esModule).href)) as Record<string, unknown>;
  return loadCommonJs([`${pathWithoutExtension}.js`, `${pathWithoutExtension}.cjs`].find(existsSync));
}

/** Not `require`: a package.json above the bundle, which Lambda never sees, would say what kind of module it is. */
function loadCommonJs(file: string | undefined): Record<string, unknown> {
  if (file === undefined) throw new Error(`Cannot find the module of ${environment['_HANDLER']}`);
  const module = new Module(file) as CompilableModule;
  module.filename = file;
  module.paths = createRequire(file).resolve.paths('any') ?? [];
  module._compile(readFileSync(file, 'utf8'), file, 'commonjs');
  return module.exports;
}

function post(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}
