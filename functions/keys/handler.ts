import { customResource } from '../edge/cloudformation.ts';
import { keysWorld } from '../edge/key-store.ts';
import { required } from '../edge/settings.ts';
import { keepKey } from './keep-key.ts';

const world = keysWorld(required('CLIENT_KEYS_TABLE'));

export const handler = customResource((event) => keepKey(event, world));
