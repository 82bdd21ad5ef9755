// As in a deployed function; read when the log is made.
process.env['SERVICE_NAME'] ??= 'ModelStudioJobs';
