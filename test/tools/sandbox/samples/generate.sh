# The same with cURL; the request body comes on stdin.
set -eu
url="${BASE_URL:-https://api.modelstudio.app}/api/v1/organizations/$ORGANIZATION_ID/generate"

created=$(curl -sS -X POST "$url" \
  -H "Authorization: Bearer $API_KEY" \
  -H "Content-Type: application/json" \
  -d @-)
job_id=$(printf '%s' "$created" | sed 's/.*"job_id":"\([^"]*\)".*/\1/')

while :; do
  status=$(curl -sS "$url/$job_id" -H "Authorization: Bearer $API_KEY")
  case $status in *'"job_status":"completed"'*) break ;; esac
  sleep "${POLL_SECONDS:-2}"
done
printf '%s\n' "$status"
