// Posts each further argument to the first, by the default client; prints status and body.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	for _, body := range os.Args[2:] {
		response, err := http.Post(os.Args[1], "application/json", strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			panic(err)
		}
		response.Body.Close()
		fmt.Println(response.StatusCode, string(answer))
	}
}
