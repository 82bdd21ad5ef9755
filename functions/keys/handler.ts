import { customResource } from '../edge/cloudformation.ts';
import { required } from '../edge/environment.ts';
import { keysWorld } from '../edge/key-store.ts';
import { keepKey } from './keep-key.ts';

const world = keysWorld(required('CLIENT_KEYS_TABLE'));

export const handler = customResource((event) => keepKey(event, world));
