import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** An event as a sender gives it to EventBridge. */
export interface BusEvent {
  Source?: string;
  DetailType?: string;
  Detail?: string;
  Resources?: string[];
  EventBusName?: string;
}

/** Of the whole entry, in the regions where it is least. */
const ENTRY_MAX_BYTES = 256 * 1024;

/** EventBridge as its senders know it: buses that take events, for which nobody has set up a rule. */
export class EventBuses {
  /** By their ARNs. */
  readonly known = new Set<string>();
  /** Told of each event that a bus has taken. */
  onEvent: (event: BusEvent) => void = () => undefined;

  /** @throws with the name of an error of EventBridge's */
  call(operation: string, input: { Name?: string; Entries?: BusEvent[] }): object {
    if (operation === 'DescribeEventBus') return this.#describe(input.Name ?? '');
    if (operation !== 'PutEvents') throw new Error('UnknownOperationException');
    const results = (input.Entries ?? []).map((event) => this.#put(event));
    return { FailedEntryCount: results.filter((each) => 'ErrorCode' in each).length, Entries: results };
  }

  #describe(arn: string): object {
    if (!this.known.has(arn)) throw new Error('ResourceNotFoundException');
    return { Arn: arn, Name: arn.replace(/^.*event-bus\//, '') };
  }

  /** As EventBridge does, it says success for a bus that does not exist. */
  #put(event: BusEvent): object {
    const { Source = '', DetailType = '', Detail = '', Resources = [], EventBusName = '' } = event;
    const texts = [Source, DetailType, Detail, ...Resources];
    if (texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) > ENTRY_MAX_BYTES)
      throw new Error('ValidationException');
    if (!isObject(Detail)) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    if (this.known.has(EventBusName)) this.onEvent(event);
    return { EventId: randomUUID() };
  }
}

export function createEventBusServer(buses: EventBuses): Server {
  return createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).replace('AWSEvents.', '');
    const [status, answer] = await buffer(request).then(
      (body) => {
        try {
          return [200, buses.call(operation, JSON.parse(body.toString()))] as const;
        } catch (error) {
          return [400, { __type: (error as Error).message, message: 'EventBridge refuses.' }] as const;
        }
      },
      () => [400, {}] as const,
    );
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  });
}

function isObject(json: string): boolean {
  try {
    return JSON.parse(json)?.constructor === Object;
  } catch {
    return false;
  }
}
