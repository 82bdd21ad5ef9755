import { JSON_NOTATION, literal } from './literal.ts';
import type { Parts, Templates } from './template.ts';

export const curl = { submit, read } satisfies Templates;

/** The body is on standard input, where no shell looks into it and no limit of arguments holds. */
function submit({ jobsUrl, request }: Parts): string {
  return `# With an IDEMPOTENCY_KEY of yours, run it again after a timeout, a 500 or a 503: it gets the same job.
key=\${IDEMPOTENCY_KEY:-$(openssl rand -hex 16)}

curl -sS --fail-with-body --max-time 35 ${quoted(jobsUrl)} \\
  -H "Authorization: Bearer $CLIENT_KEY" \\
  -H "Content-Type: application/json" \\
  -H "Idempotency-Key: $key" \\
  --data-binary @- <<'JSON'
${literal(request, JSON_NOTATION)}
JSON
`;
}

function read({ jobsUrl }: Parts): string {
  return `# Prints the job $JOB_ID once it has finished.
# Large results are not in it, but at its results_url: curl -L, with the same key.
(
  headers=$(mktemp)
  trap 'rm -f "$headers"' EXIT
  while
    job=$(curl -sS --fail-with-body --max-time 35 -D "$headers" \\
      -H "Authorization: Bearer $CLIENT_KEY" ${quoted(`${jobsUrl}/`)}"$JOB_ID") ||
      { printf '%s\\n' "$job" >&2; exit 1; }
    # There is a Retry-After until the job has finished.
    seconds=$(tr -d '\\r' <"$headers" | awk 'tolower($1) == "retry-after:" { print $2 }')
    [ -n "$seconds" ]
  do
    sleep "$seconds"
  done
  printf '%s\\n' "$job"
)
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
