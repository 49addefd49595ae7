// SPDX-License-Identifier: MIT

// pion as a foreign peer.
//
//	pion client IP:PORT FINGERPRINT [munge]   dials a server that echoes raw messages, checks, prints "ok" lines
//	pion channels IP:PORT FINGERPRINT TIMES   the same with channels that it opens itself, as `wrd serve --channels`
//	pion server IP:PORT                       knows only X:X, as the original; echoes raw messages
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"
)

const label = "rpc"

func main() {
	err := errors.New("usage: pion client IP:PORT FINGERPRINT [munge] | pion channels IP:PORT FINGERPRINT TIMES | pion server IP:PORT")
	if len(os.Args) >= 4 && os.Args[1] == "client" {
		err = runClient(os.Args[2], os.Args[3], len(os.Args) > 4)
	} else if len(os.Args) == 5 && os.Args[1] == "channels" {
		times, bad := strconv.Atoi(os.Args[4])
		if err = bad; err == nil {
			err = runChannels(os.Args[2], os.Args[3], times)
		}
	} else if len(os.Args) == 3 && os.Args[1] == "server" {
		err = runServer(os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
}

func credential() string {
	var random [32]byte
	rand.Read(random[:])
	return hex.EncodeToString(random[:])
}

func colons(fingerprint string) string {
	var out []string
	for i := 0; i+2 <= len(fingerprint); i += 2 {
		out = append(out, strings.ToUpper(fingerprint[i:i+2]))
	}
	return strings.Join(out, ":")
}

// description is the server's answer, which no server ever sends.
func description(host, port, fingerprint, x string) string {
	family := "IP4"
	if strings.Contains(host, ":") {
		family = "IP6"
	}
	return strings.Join([]string{
		"v=0", "o=- 0 0 IN " + family + " " + host, "s=-", "t=0 0", "a=ice-lite",
		"a=group:BUNDLE 0",
		"m=application " + port + " UDP/DTLS/SCTP webrtc-datachannel",
		"c=IN " + family + " " + host,
		"a=mid:0", "a=ice-options:ice2", "a=ice-ufrag:" + x, "a=ice-pwd:" + x,
		"a=fingerprint:sha-256 " + colons(fingerprint),
		"a=setup:passive", "a=sctp-port:5000", "a=max-message-size:16777216",
		"a=candidate:1467250027 1 UDP 1467250027 " + host + " " + port + " typ host",
		"a=end-of-candidates", "",
	}, "\r\n")
}

func channelZero(pc *webrtc.PeerConnection) (*webrtc.DataChannel, error) {
	negotiated, id := true, uint16(0)
	return pc.CreateDataChannel(label, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
}

type echo struct {
	channel  *webrtc.DataChannel
	messages chan webrtc.DataChannelMessage
	closed   chan struct{}
}

func dial(address, fingerprint string, munge bool) (*webrtc.PeerConnection, *echo, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, nil, err
	}
	x := credential()
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	if munge {
		settings.SetICECredentials(x, x)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, nil, err
	}
	channel, err := channelZero(pc)
	if err != nil {
		return pc, nil, err
	}
	e := &echo{channel, make(chan webrtc.DataChannelMessage, 4096), make(chan struct{})}
	open := make(chan struct{})
	channel.OnOpen(func() { close(open) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) { e.messages <- message })
	channel.OnClose(func() { close(e.closed) })
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return pc, nil, err
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		return pc, nil, err
	}
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: description(host, port, fingerprint, x)}
	if err := pc.SetRemoteDescription(answer); err != nil {
		return pc, nil, err
	}
	select {
	case <-open:
		return pc, e, nil
	case <-time.After(10 * time.Second):
		return pc, nil, fmt.Errorf("not open: ICE %s, DTLS and above %s", pc.ICEConnectionState(), pc.ConnectionState())
	}
}

func (e *echo) receive() (webrtc.DataChannelMessage, error) {
	select {
	case message := <-e.messages:
		return message, nil
	case <-e.closed:
		return webrtc.DataChannelMessage{}, errors.New("the channel was closed")
	case <-time.After(10 * time.Second):
		return webrtc.DataChannelMessage{}, errors.New("no message within 10 s")
	}
}

// exchange sends all and wants all back, in order and unchanged.
func (e *echo) exchange(what string, messages []webrtc.DataChannelMessage) error {
	sent := make(chan error, 1)
	go func() {
		for _, message := range messages {
			var err error
			if message.IsString {
				err = e.channel.SendText(string(message.Data))
			} else {
				err = e.channel.Send(message.Data)
			}
			if err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for i, message := range messages {
		got, err := e.receive()
		if err != nil {
			return fmt.Errorf("%s, message %d of %d: %w", what, i, len(messages), err)
		}
		if got.IsString != message.IsString || !bytes.Equal(got.Data, message.Data) {
			return fmt.Errorf("%s, message %d of %d came back changed", what, i, len(messages))
		}
	}
	if err := <-sent; err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	fmt.Println("ok", what)
	return nil
}

func runClient(address, fingerprint string, munge bool) error {
	pc, e, err := dial(address, fingerprint, munge)
	if pc != nil {
		defer pc.Close()
	}
	if err != nil {
		return err
	}
	binary := func(data []byte) webrtc.DataChannelMessage { return webrtc.DataChannelMessage{Data: data} }
	random := make([]byte, 4<<20)
	rand.Read(random)
	var quick, chunks []webrtc.DataChannelMessage
	for i := range 1000 {
		quick = append(quick, text(fmt.Sprintf("message %d %s", i, strings.Repeat(".", i%97))))
	}
	for rest := random; len(rest) > 0; {
		n := min(len(rest), 60*1024)
		chunks = append(chunks, binary(rest[:n]))
		rest = rest[n:]
	}
	for _, exchange := range []struct {
		what     string
		messages []webrtc.DataChannelMessage
	}{
		{"small", []webrtc.DataChannelMessage{text("hello"), binary([]byte{0}), text(""), binary([]byte{}), text("bye")}},
		{"1000 in flight", quick},
		{"4 MiB in chunks", chunks},
	} {
		if err := e.exchange(exchange.what, exchange.messages); err != nil {
			return err
		}
	}
	return nil
}
