// CLIENT_KEY=msj_… go run submit.go
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"
)

const request = `{
  "model_id": "sandbox-instant",
  "messages": [[{"role": "user", "content": "Name the capital of France."}]]
}`

func main() {
	key := os.Getenv("IDEMPOTENCY_KEY")
	if key == "" {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			log.Fatal(err)
		}
		key = fmt.Sprintf("%x", random)
	}
	post, err := http.NewRequest("POST", "http://127.0.0.1:8787/v1/jobs", strings.NewReader(request))
	if err != nil {
		log.Fatal(err)
	}
	post.Header.Set("Authorization", "Bearer "+os.Getenv("CLIENT_KEY"))
	post.Header.Set("Content-Type", "application/json")
	// With an IDEMPOTENCY_KEY of yours, run it again after a timeout, a 500 or a 503: it gets the same job.
	post.Header.Set("Idempotency-Key", key)

	client := http.Client{Timeout: 35 * time.Second}
	response, err := client.Do(post)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != http.StatusAccepted {
		log.Fatalf("%d %s", response.StatusCode, body)
	}

	var job struct {
		JobID  string `json:"job_id"`
		Status string `json:"status"`
	}
	if err := json.Unmarshal(body, &job); err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.JobID, job.Status)
}
