// Package storetest gives tests a database of their own on a PostgreSQL server.
package storetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Server is the environment variable that names the server:
// "postgres://…", by a user who may create databases.
const Server = "KEYREEVE_TEST_POSTGRES"

// PostgreSQL creates an empty database and returns its URL; the test's end
// drops it. Without a server the test is skipped.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	server := os.Getenv(Server)
	if server == "" {
		t.Skip(Server + " names no server")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s is no URL", Server) // the parser's error quotes it, and with it the password
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "keyreeve_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		_ = admin.Close()
	})
	u.Path = "/" + name
	return u.String()
}
