package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyreeve/keyreeve/internal/store"
)

// redeliver sends every body that the bot ever accepted once more, under a new
// id and rightly signed, newest first: each event twice, late, and in another order.
func redeliver(th *theatre) error {
	ctx := context.Background()
	db, err := store.Open(ctx, th.path(databaseFile), store.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler), ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	list, err := db.Deliveries(ctx, 1_000_000) // newest first
	if err != nil {
		return err
	}
	for _, d := range list {
		full, _, err := db.Delivery(ctx, d.App, d.ID)
		if err != nil {
			return err
		}
		if err := send(th, d.Event, full.Body); err != nil {
			return err
		}
	}
	return nil
}

// send delivers a body to the bot's door as GitHub would.
func send(th *theatre, event string, body []byte) error {
	req, err := http.NewRequest(http.MethodPost, "http://"+th.addr+"/webhook", bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(th.world.Secret))
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", event)
	req.Header.Set("X-GitHub-Delivery", rand.Text())
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the door answered %s", resp.Status)
	}
	return nil
}
