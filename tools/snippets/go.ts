import { JSON_NOTATION, literal, quoted } from './literal.ts';
import type { Parts, Templates } from './template.ts';

export const go = { submit, read, receive } satisfies Templates;

/** JSON in a raw string, which has no escapes of its own: JSON has one for its only delimiter. */
function rawJson(request: object): string {
  return `\`${literal(request, JSON_NOTATION).replaceAll('`', '\\u0060')}\``;
}

function submit({ jobsUrl, request }: Parts): string {
  return `// CLIENT_KEY=msj_… go run submit.go
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

const request = ${rawJson(request)}

func main() {
	key := os.Getenv("IDEMPOTENCY_KEY")
	if key == "" {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			log.Fatal(err)
		}
		key = fmt.Sprintf("%x", random)
	}
	post, err := http.NewRequest("POST", ${quoted(jobsUrl)}, strings.NewReader(request))
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
		JobID  string \`json:"job_id"\`
		Status string \`json:"status"\`
	}
	if err := json.Unmarshal(body, &job); err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.JobID, job.Status)
}
`;
}

function read({ jobsUrl }: Parts): string {
  return `// CLIENT_KEY=msj_… JOB_ID=job_… go run read.go
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"
)

type Job struct {
	Status     string          \`json:"status"\`
	Results    json.RawMessage \`json:"results"\`
	ResultsURL string          \`json:"results_url"\`
	Error      json.RawMessage \`json:"error"\`
}

var client = http.Client{
	Timeout: 35 * time.Second,
	// The key is not for where a redirect leads.
	CheckRedirect: func(request *http.Request, _ []*http.Request) error {
		request.Header.Del("Authorization")
		return nil
	},
}

func get(url string) ([]byte, http.Header, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("CLIENT_KEY"))
	response, err := client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", response.StatusCode, body)
	}
	return body, response.Header, err
}

func finished(jobID string) (Job, error) {
	for {
		var job Job
		body, header, err := get(${quoted(`${jobsUrl}/`)} + jobID)
		if err != nil {
			return job, err
		}
		if err := json.Unmarshal(body, &job); err != nil {
			return job, err
		}
		if job.Status != "submitting" && job.Status != "running" {
			return job, nil
		}
		seconds, err := strconv.Atoi(header.Get("Retry-After"))
		if err != nil {
			seconds = 1
		}
		time.Sleep(time.Duration(seconds) * time.Second)
	}
}

func main() {
	job, err := finished(os.Getenv("JOB_ID"))
	if err != nil {
		log.Fatal(err)
	}
	// Large results are not in the job, but behind a URL.
	if job.ResultsURL != "" {
		if job.Results, _, err = get(job.ResultsURL); err != nil {
			log.Fatal(err)
		}
	}
	shown, err := json.MarshalIndent(job, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(shown))
}
`;
}

function receive(): string {
  return `// WEBHOOK_SECRET=whsec_… PORT=3000 go run receive.go
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance    = 5 * time.Minute
	bodyMaxBytes = 1 << 20
)

type Event struct {
	Type string \`json:"type"\`
	Data struct {
		JobID      string          \`json:"job_id"\`
		Status     string          \`json:"status"\`
		Results    json.RawMessage \`json:"results"\`
		ResultsURL string          \`json:"results_url"\`
	} \`json:"data"\`
}

type Receiver struct {
	secret []byte
	// In more than one process, a table with a unique key takes its place.
	seen sync.Map
}

func (receiver *Receiver) isGenuine(header http.Header, body []byte) bool {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || id == "" {
		return false
	}
	if age := time.Since(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return false
	}
	mac := hmac.New(sha256.New, receiver.secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// While the secret is being changed, there are two signatures.
	for _, signature := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(signature), []byte(expected)) {
			return true
		}
	}
	return false
}

func (receiver *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMaxBytes))
	var event Event
	if err != nil || !receiver.isGenuine(r.Header, body) || json.Unmarshal(body, &event) != nil {
		log.Print("Refused: it is old, or was not signed with this WEBHOOK_SECRET")
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	// Answer within 15 s, and work afterwards. What must survive a crash is to be stored before the answer.
	if _, isRepeat := receiver.seen.LoadOrStore(r.Header.Get("webhook-id"), true); !isRepeat {
		go work(event)
	}
	w.WriteHeader(http.StatusNoContent)
}

func work(event Event) {
	fmt.Println(event.Type, event.Data.JobID, string(event.Data.Results), event.Data.ResultsURL)
}

func main() {
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(secret) == 0 {
		log.Fatal("WEBHOOK_SECRET is not set")
	}
	listener, err := net.Listen("tcp", ":"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Listening on port", listener.Addr().(*net.TCPAddr).Port)
	server := http.Server{Handler: &Receiver{secret: secret}, ReadTimeout: 15 * time.Second}
	log.Fatal(server.Serve(listener))
}
`;
}
