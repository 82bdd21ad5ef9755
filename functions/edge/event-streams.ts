/** Instead of the SDK's own (lib/stages/bundle.ts): no call that is made here answers with a stream of events. */
export class EventStreamSerde {
  constructor() {
    throw new Error('Streams of events are not in this bundle');
  }
}

export const eventStreamSerdeProvider = () => new EventStreamSerde();

/** The client of S3 asks for it as it is made. */
export const resolveEventStreamSerdeConfig = <Config>(config: Config): Config => config;
