// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are texts of code.
import type { Mutant } from './load.ts';

/** Bugs by which a job leaves the trace of its submission. */
export const TRACE_MUTANTS: Mutant[] = [
  {
    name: 'a job does not keep the trace of its submission',
    file: 'submit/submit.ts',
    find: '{ ...accepted(job, now), ...traceIn(headers, settings.forwardTracestate) };',
    replace: 'accepted(job, now);',
  },
  {
    name: 'a traceparent may be in upper case',
    file: 'core/trace.ts',
    find: '(-[^,]*)?[ \\t]*$/;',
    replace: '(-[^,]*)?[ \\t]*$/i;',
    seed: 7,
  },
  {
    name: 'version 00 of a traceparent may go on',
    file: 'core/trace.ts',
    find: " || (version === '00' && more !== undefined)",
    replace: '',
    seed: 23,
  },
  {
    name: 'a webhook is in a trace of its own',
    file: 'deliver/deliver.ts',
    find: 'const traceparent = traceparentOf(job, world.clock.now());',
    replace: 'const traceparent = traceparentOf({ jobId: job.jobId }, world.clock.now());',
  },
  {
    name: 'a poll is in a trace of its own',
    file: 'poll/poll.ts',
    find: 'world.modelStudio.report(job, world.settings.reportLimits);',
    replace: 'world.modelStudio.report({ ...job, trace: undefined }, world.settings.reportLimits);',
  },
  {
    name: 'the end of a job is told in a trace of its own',
    file: 'finish/finish.ts',
    find: '    ...aboutJob(job),\n',
    replace: '    ...aboutJob({ jobId: job.jobId, client: job.client }),\n',
  },
  {
    name: 'all calls for a job have one parent id',
    file: 'core/trace.ts',
    find: '${job.jobId} ${job.version} ${now}',
    replace: '${job.jobId} ${typeof now}',
  },
  {
    name: 'ModelStudio is told the tracestate',
    file: 'edge/modelstudio.ts',
    find: '{ ...headers(key), traceparent }',
    replace: "{ ...headers(key), traceparent, tracestate: 'app=1' }",
  },
];
