import type { ClientKey } from '../../functions/core/http/client-key.ts';
import { objectKeyOf } from '../../functions/core/uploads.ts';
import type { Clock } from '../../functions/ports.ts';
import { describePorts, type PortsWorld } from '../edge/ports.contract.ts';
import { atOnce, clientsOf } from './clients.ts';
import { portsOver } from './ports.ts';
import { cloudAtRest, sentIn } from './world.ts';

async function simulatedPorts(keys: ClientKey[], clock: Clock): Promise<PortsWorld> {
  const cloud = cloudAtRest(keys);
  const sent = sentIn(cloud);
  return {
    ...portsOver(cloud, clientsOf(cloud, atOnce), { clock, jobsAtOnce: 3 }),
    async receive(queue) {
      const index = sent.findIndex((each) => each.queue === queue);
      const [first] = index < 0 ? [] : sent.splice(index, 1);
      if (!first) throw new Error(`There is no message in the queue ${queue}`);
      return { message: first.message, heldBackSeconds: first.delaySeconds };
    },
    async putUpload(upload, text) {
      cloud.objects.set(objectKeyOf(upload), text);
    },
    close: async () => undefined,
  };
}

describePorts('the ports over the simulated cloud', simulatedPorts);
