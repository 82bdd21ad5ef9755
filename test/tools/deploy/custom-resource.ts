import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What Lambda does with the function that keeps client keys: its variables are this process's, the event is its input. */
const answered = Promise.withResolvers<string>();
const server = createServer(async (request, response) => {
  answered.resolve(await text(request));
  response.end();
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { handler } = await import('../../../functions/keys/handler.ts');
const ResponseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
await handler({ ...JSON.parse(await text(process.stdin)), ResponseURL });
process.stdout.write(`${await answered.promise}\n`);
server.close();
