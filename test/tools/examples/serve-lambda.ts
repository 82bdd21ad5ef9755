import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

// In the place of a function URL. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
const file = new URL('../../../examples/lambda-function-url/index.mjs', import.meta.url);
const { handler } = await import(file.href);

const server = createServer(async (request, response) => {
  try {
    const body = await buffer(request);
    // A client of its choice may as well have it in base64.
    const isBase64Encoded = body.length % 2 === 0;
    const event = {
      version: '2.0',
      headers: request.headers,
      ...(body.length > 0 && { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
      isBase64Encoded,
    };
    const { statusCode } = await handler(event);
    response.writeHead(statusCode).end();
  } catch (error) {
    console.error(error);
    response.writeHead(502).end();
  }
});
server.listen(0, '127.0.0.1', () => {
  console.log('Listening on port', (server.address() as AddressInfo).port);
});
