# With an IDEMPOTENCY_KEY of yours, run it again after a timeout, a 500 or a 503: it gets the same job.
key=${IDEMPOTENCY_KEY:-$(openssl rand -hex 16)}

curl -sS --fail-with-body --max-time 35 'http://127.0.0.1:8787/v1/jobs' \
  -H "Authorization: Bearer $CLIENT_KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: $key" \
  --data-binary @- <<'JSON'
{
  "model_id": "sandbox-instant",
  "messages": [[{"role": "user", "content": "Name the capital of France."}]]
}
JSON
