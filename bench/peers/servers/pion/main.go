// SPDX-License-Identifier: MIT

// pion as a server to measure: `pion IP:PORT`, one UDP port through pion's own mux, see ../README.md.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

const kept = 1 << 20 // bytes queued to send

type server struct {
	socket      *net.UDPConn
	mux         *ice.UDPMuxDefault
	certificate *webrtc.Certificate
	known       map[string]bool // only the mux's reader looks at it
}

func offer(x string) string {
	return strings.Join([]string{
		"v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0",
		"a=ice-ufrag:" + x, "a=ice-pwd:" + x, "a=fingerprint:sha-256 " + strings.Repeat("00:", 31) + "00",
		"a=setup:actpass", "a=sctp-port:5000", "a=max-message-size:262144", "",
	}, "\r\n")
}

// The first check of a client: both of its names are X, which is the password, too.
func xFrom(packet []byte) string {
	check := &stun.Message{Raw: append([]byte{}, packet...)}
	var username stun.Username
	if check.Decode() != nil || username.GetFrom(check) != nil {
		return ""
	}
	first, last, _ := strings.Cut(username.String(), ":")
	if first != last || stun.NewShortTermIntegrity(first).Check(check) != nil {
		return ""
	}
	return first
}

func (s *server) unhandled(packet []byte, _ netip.AddrPort) {
	x := xFrom(packet)
	if x == "" || s.known[x] {
		return
	}
	s.known[x] = true
	go func() {
		if err := s.start(x); err != nil {
			fmt.Fprintln(os.Stderr, "pion:", err)
		}
	}()
}

func (s *server) start(x string) error {
	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetICECredentials(x, x)
	settings.SetICEUDPMux(s.mux)
	settings.SetIncludeLoopbackCandidate(true)
	settings.DisableCertificateFingerprintVerification(true)
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return err
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{
		Certificates: []webrtc.Certificate{*s.certificate},
	})
	if err != nil {
		return err
	}
	negotiated, id := true, uint16(0)
	channel, err := pc.CreateDataChannel("rpc", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		return err
	}
	serve(channel)
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateFailed {
			go pc.Close()
		}
	})
	channel.OnClose(func() { go pc.Close() })
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer(x)}); err != nil {
		return err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	return pc.SetLocalDescription(answer)
}

func serve(channel *webrtc.DataChannel) {
	first, sink := true, false
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		if first {
			first = false
			words := strings.Fields(string(message.Data[:min(len(message.Data), 64)]))
			if len(words) > 1 && words[0] == "wrd-bench" {
				if sink = words[1] == "sink"; sink {
					return
				}
				if len(words) == 3 && words[1] == "source" {
					size, _ := strconv.Atoi(words[2])
					sink = true
					source(channel, size)
					return
				}
			}
		}
		if sink {
			return
		}
		if message.IsString {
			_ = channel.SendText(string(message.Data))
		} else {
			_ = channel.Send(message.Data)
		}
	})
}

func source(channel *webrtc.DataChannel, size int) {
	bytes, room := make([]byte, size), make(chan struct{}, 1)
	channel.SetBufferedAmountLowThreshold(kept / 2)
	channel.OnBufferedAmountLow(func() {
		select {
		case room <- struct{}{}:
		default:
		}
	})
	go func() {
		for {
			for channel.BufferedAmount() < kept {
				if channel.Send(bytes) != nil {
					return
				}
			}
			<-room
		}
	}()
}

func run(listen string) error {
	address, err := net.ResolveUDPAddr("udp", listen)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp4", address)
	if err != nil {
		return err
	}
	_ = socket.SetReadBuffer(4 << 20)
	_ = socket.SetWriteBuffer(4 << 20)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return err
	}
	fingerprints, err := certificate.GetFingerprints()
	if err != nil {
		return err
	}
	s := &server{socket: socket, certificate: certificate, known: map[string]bool{}}
	ready := make(chan struct{})
	s.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, OnUnhandledPacket: func(packet []byte, from netip.AddrPort) {
		<-ready
		s.unhandled(packet, from)
	}})
	close(ready)
	fmt.Printf("listening %s %s\n", socket.LocalAddr(), strings.ReplaceAll(fingerprints[0].Value, ":", ""))
	select {}
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pion IP:PORT")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pion:", err)
		os.Exit(1)
	}
}
