// SPDX-License-Identifier: MIT

package main

import (
	"crypto/rand"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

const patience = 20 * time.Second

// open makes a channel in band and waits until it is there.
func open(pc *webrtc.PeerConnection, name string, init *webrtc.DataChannelInit) (*echo, error) {
	channel, err := pc.CreateDataChannel(name, init)
	if err != nil {
		return nil, err
	}
	e := &echo{channel, make(chan webrtc.DataChannelMessage, 4096), make(chan struct{})}
	opened := make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) { e.messages <- message })
	channel.OnClose(func() { close(e.closed) })
	select {
	case <-opened:
		return e, nil
	case <-time.After(patience):
		return nil, fmt.Errorf("channel %q is not open", name)
	}
}

func (e *echo) close() error {
	if err := e.channel.Close(); err != nil {
		return err
	}
	select {
	case <-e.closed:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("channel %q does not close", e.channel.Label())
	}
}

func words(count, size int) []webrtc.DataChannelMessage {
	var all []webrtc.DataChannelMessage
	for i := range count {
		data := make([]byte, 1+i*size/count)
		rand.Read(data)
		all = append(all, webrtc.DataChannelMessage{Data: data})
	}
	return all
}

func text(words string) webrtc.DataChannelMessage {
	return webrtc.DataChannelMessage{IsString: true, Data: []byte(words)}
}

func manyKinds(pc *webrtc.PeerConnection, times int) error {
	no, none, few, long := false, uint16(0), uint16(5), uint16(5000)
	protocol := "p\u00e4th"
	kinds := []*webrtc.DataChannelInit{
		nil, {Ordered: &no}, {MaxRetransmits: &none}, {MaxRetransmits: &few, Ordered: &no},
		{MaxPacketLifeTime: &long}, {MaxPacketLifeTime: &long, Ordered: &no}, {Protocol: &protocol},
	}
	var all []*echo
	for i := range 100 * times {
		e, err := open(pc, fmt.Sprintf("k\u00e4nal %d", i), kinds[i%len(kinds)])
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	for i, e := range all {
		if err := e.channel.SendText(fmt.Sprint("hello ", i)); err != nil {
			return err
		}
	}
	for i, e := range all {
		// A side that stands still for a while loses what may be lost: that is said again.
		lossy := e.channel.MaxRetransmits() != nil || e.channel.MaxPacketLifeTime() != nil
		got, err := e.receive()
		for tries := 1; lossy && err != nil && tries < 3; tries++ {
			if err := e.channel.SendText(fmt.Sprint("hello ", i)); err != nil {
				return err
			}
			got, err = e.receive()
		}
		if err != nil {
			return fmt.Errorf("channel %d: %w", i, err)
		}
		if string(got.Data) != fmt.Sprint("hello ", i) {
			return fmt.Errorf("channel %d heard %q", i, got.Data)
		}
	}
	for _, e := range all {
		if err := e.close(); err != nil {
			return err
		}
	}
	return nil
}

func unordered(pc *webrtc.PeerConnection, times int) error {
	no := false
	e, err := open(pc, "unordered", &webrtc.DataChannelInit{Ordered: &no})
	if err != nil {
		return err
	}
	var sent, heard []string
	for i := range 300 * times {
		sent = append(sent, fmt.Sprintf("%06d%s", i, strings.Repeat(".", i*37%3000)))
		if err := e.channel.SendText(sent[i]); err != nil {
			return err
		}
	}
	for range sent {
		got, err := e.receive()
		if err != nil {
			return err
		}
		heard = append(heard, string(got.Data))
	}
	sort.Strings(heard)
	for i := range sent {
		if sent[i] != heard[i] {
			return fmt.Errorf("message %d is missing or changed", i)
		}
	}
	return e.close()
}

func bulkAtOnce(pc *webrtc.PeerConnection, times int) error {
	const channels = 4
	done := make(chan error, channels)
	for i := range channels {
		e, err := open(pc, fmt.Sprint("bulk ", i), nil)
		if err != nil {
			return err
		}
		go func() {
			done <- e.exchange(fmt.Sprint("bulk ", i), words(30*times, 64*1024))
		}()
	}
	for range channels {
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// An id is closed and used again, by both sides' resets.
func reuse(pc *webrtc.PeerConnection, times int) error {
	for turn := range 10 * times {
		e, err := open(pc, fmt.Sprint("turn ", turn), nil)
		if err != nil {
			return err
		}
		messages := append(words(5, 20_000), text("last"))
		if err := e.exchange(fmt.Sprint("turn ", turn), messages); err != nil {
			return err
		}
		if err := e.close(); err != nil {
			return err
		}
	}
	return nil
}

func runChannels(address, fingerprint string, times int) error {
	pc, main, err := dial(address, fingerprint, false)
	if pc != nil {
		defer pc.Close()
	}
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(*webrtc.PeerConnection, int) error
	}{{"many kinds", manyKinds}, {"unordered", unordered}, {"bulk at once", bulkAtOnce}, {"reuse", reuse}} {
		if err := part.run(pc, times); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		fmt.Println("done", part.name)
	}
	return main.exchange("the main channel still", []webrtc.DataChannelMessage{text("hello")})
}
