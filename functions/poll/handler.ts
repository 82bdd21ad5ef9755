import { pollHandler } from './poll-handler.ts';

export const handler = pollHandler('poll');
