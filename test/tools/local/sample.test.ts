import { createServer } from 'node:http';
import { expect, it, onTestFinished, vi } from 'vitest';
import { closeServer, listenLocally } from '../../../tools/local/http/server.ts';
import { runSample } from '../../../tools/local/sample.ts';
import type { System } from '../../../tools/local/system.ts';

it('a refused sample is printed in a sentence, as when ModelStudio does not know its model', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const server = createServer((_request, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    response.end('{"status":404,"detail":"ModelStudio does not know this model.","code":"model_not_found"}');
  });
  const apiUrl = await listenLocally(server);
  onTestFinished(async () => {
    vi.useRealTimers();
    await closeServer(server);
  });
  const [stack, inbox] = [{ apiUrl }, { listeners: new Set() }];
  const system = { stack, inbox, console: {}, keys: { clientKeys: ['key'] } } as unknown as System;
  await expect(runSample(system)).rejects.toThrow(
    /^The sample, a batch for sandbox-batch, was refused: ModelStudio does not know this model\.$/,
  );
});
