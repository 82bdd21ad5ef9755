import { parentPort, workerData } from 'node:worker_threads';

const { module, name, argument } = workerData;
const exported = await import(module);
parentPort?.postMessage(await exported[name](argument));
