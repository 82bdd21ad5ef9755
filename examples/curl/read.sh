# Prints the job $JOB_ID once it has finished.
# Large results are not in it, but at its results_url: curl -L, with the same key.
(
  headers=$(mktemp)
  trap 'rm -f "$headers"' EXIT
  while
    job=$(curl -sS --fail-with-body --max-time 35 -D "$headers" \
      -H "Authorization: Bearer $CLIENT_KEY" 'http://127.0.0.1:8787/v1/jobs'"/$JOB_ID") ||
      { printf '%s\n' "$job" >&2; exit 1; }
    # There is a Retry-After until the job has finished.
    seconds=$(tr -d '\r' <"$headers" | awk 'tolower($1) == "retry-after:" { print $2 }')
    [ -n "$seconds" ]
  do
    sleep "$seconds"
  done
  printf '%s\n' "$job"
)
