import { pollHandler } from '../poll/poll-handler.ts';

export const handler = pollHandler('collect');
