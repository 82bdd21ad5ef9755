// As in a deployed function, where the runtime sets the trace of each invocation. Read when the logger is made.
process.env['POWERTOOLS_SERVICE_NAME'] ??= 'ModelStudioJobs';
process.env['_X_AMZN_TRACE_ID'] ??=
  'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=0';
