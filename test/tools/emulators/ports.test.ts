import type { ClientKey } from '../../../functions/core/http/client-key.ts';
import type { Clock } from '../../../functions/ports.ts';
import { describePorts, type PortsWorld } from '../../edge/ports.contract.ts';
import {
  fakeClientJobs,
  fakeClientKeys,
  fakeDocuments,
  fakeJobs,
  fakeOverdue,
  fakeWakeUps,
} from '../../fakes/world.ts';
import { emulatedPorts } from './emulated.ts';

async function portsInMemory(keys: ClientKey[], clock: Clock): Promise<PortsWorld> {
  const jobs = fakeJobs(clock);
  const wakeUps = fakeWakeUps();
  return {
    jobs,
    clientJobs: fakeClientJobs(jobs.rows, clock),
    overdue: fakeOverdue(jobs.rows),
    documents: fakeDocuments(),
    wakeUps,
    clientKeys: fakeClientKeys(...keys),
    async receive(queue) {
      const index = wakeUps.sent.findIndex((sent) => sent.queue === queue);
      const [sent] = index < 0 ? [] : wakeUps.sent.splice(index, 1);
      if (!sent) throw new Error(`There is no message in the queue ${queue}`);
      return { message: sent.message, heldBackSeconds: sent.delaySeconds };
    },
    close: async () => undefined,
  };
}

describePorts('the ports in memory', portsInMemory);
describePorts('the ports over DynamoDB, SQS and S3', emulatedPorts);
