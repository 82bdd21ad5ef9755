// CLIENT_KEY=msj_… JOB_ID=job_… go run read.go
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

const jobsURL = "http://127.0.0.1:8787/v1/jobs"

type Job struct {
	Status     string          `json:"status"`
	FinishedAt *string         `json:"finished_at"`
	Results    json.RawMessage `json:"results"`
	ResultsURL string          `json:"results_url"`
	Error      json.RawMessage `json:"error"`
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
		body, header, err := get(jobsURL + "/" + jobID)
		if err != nil {
			return job, err
		}
		if err := json.Unmarshal(body, &job); err != nil {
			return job, err
		}
		if job.FinishedAt != nil {
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
