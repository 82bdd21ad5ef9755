// WEBHOOK_SECRET=whsec_… PORT=3000 go run receive.go
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
	Type string `json:"type"`
	Data struct {
		JobID      string          `json:"job_id"`
		Status     string          `json:"status"`
		Results    json.RawMessage `json:"results"`
		ResultsURL string          `json:"results_url"`
	} `json:"data"`
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
