import type { FeedEvent } from '../../../tools/local/console/feed.ts';

export type Told = { name: 'snapshot'; data: FeedEvent[] } | { name: 'event'; data: FeedEvent };

/** What the console tells whoever follows it; ends with the connection. */
export async function* follow(consoleUrl: string, signal: AbortSignal): AsyncGenerator<Told> {
  const { body } = await fetch(`${consoleUrl}events`, { signal });
  let text = '';
  for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    const messages = (text + chunk).split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const [, name, data = ''] = /^event: (.*)\ndata: (.*)$/.exec(message) ?? [];
      yield { name, data: JSON.parse(data) } as Told;
    }
  }
}
