import { serve } from '@hono/node-server';
import { POST } from '../../../examples/frameworks/nextjs.ts';

// In the place of Next.js, for which a route handler is a function of the Web's own Request and Response.
serve({ fetch: POST, port: 0 }, ({ port }) => console.log('Listening on port', port));
