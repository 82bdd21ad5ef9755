import type { Inbox } from '../inbox.ts';
import type { Sandbox } from '../sandbox/server.ts';

const SLOW_MILLIS = 4000;

/** What may be made to fail by hand, to watch the system heal. */
export type Switch = 'upstream_down' | 'rate_limited' | 'slow' | 'receiver_down';
export type Switches = Partial<Record<Switch, boolean>>;

/** @param sandbox null: the upstream is somebody else's and cannot be made to fail */
export function createSwitches(sandbox: Sandbox | null, inbox: Inbox) {
  const state: Switches = {
    ...(sandbox && { upstream_down: false, rate_limited: false, slow: false }),
    receiver_down: false,
  };

  async function apply(): Promise<void> {
    inbox.isDown = state.receiver_down ?? false;
    if (!sandbox) return;
    sandbox.faults.every = state.rate_limited ? 'too_many_requests' : null;
    sandbox.faults.delayMilliseconds = state.slow ? SLOW_MILLIS : 0;
    await (state.upstream_down ? sandbox.refuseConnections() : sandbox.acceptConnections());
  }

  return {
    state: (): Switches => ({ ...state }),
    /** @returns false: there is no such switch here */
    async set(name: string, isOn: boolean): Promise<boolean> {
      if (!Object.hasOwn(state, name)) return false;
      state[name as Switch] = isOn;
      await apply();
      return true;
    },
  };
}
