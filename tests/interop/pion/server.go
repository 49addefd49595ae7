// SPDX-License-Identifier: MIT

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

const (
	kept         = 4096 // datagrams of one client between the socket and pion
	datagramSize = 2048
)

type datagram struct {
	bytes []byte
	from  net.Addr
}

// client is one client's share of the socket, as a net.PacketConn and as the ice.UDPMux that hands it out.
type client struct {
	socket  *net.UDPConn
	x       string
	arrived chan datagram
	ended   chan struct{}
	once    sync.Once
}

func (c *client) ReadFrom(out []byte) (int, net.Addr, error) {
	select {
	case d := <-c.arrived:
		return copy(out, d.bytes), d.from, nil
	case <-c.ended:
		return 0, nil, net.ErrClosed
	}
}

func (c *client) WriteTo(bytes []byte, to net.Addr) (int, error) { return c.socket.WriteTo(bytes, to) }
func (c *client) Close() error                                   { c.once.Do(func() { close(c.ended) }); return nil }
func (c *client) LocalAddr() net.Addr                            { return c.socket.LocalAddr() }
func (c *client) SetDeadline(time.Time) error                    { return nil }
func (c *client) SetReadDeadline(time.Time) error                { return nil }
func (c *client) SetWriteDeadline(time.Time) error               { return nil }

func (c *client) GetConn(string, net.Addr) (net.PacketConn, error) { return c, nil }
func (c *client) RemoveConnByUfrag(string)                         {}
func (c *client) GetListenAddresses() []net.Addr                   { return []net.Addr{c.socket.LocalAddr()} }

var _ ice.UDPMux = (*client)(nil)

type server struct {
	socket      *net.UDPConn
	certificate *webrtc.Certificate
	mutex       sync.Mutex
	clients     map[string]*client
}

// offer is what a client that munges would have sent, had there been signalling.
func offer(x string) string {
	return strings.Join([]string{
		"v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0",
		"m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0",
		"a=ice-ufrag:" + x, "a=ice-pwd:" + x, "a=fingerprint:sha-256 " + colons(strings.Repeat("00", 32)),
		"a=setup:actpass", "a=sctp-port:5000", "a=max-message-size:262144", "",
	}, "\r\n")
}

// xFrom takes X from the part of a valid check's USERNAME after the colon; both parts must be the same.
func xFrom(bytes []byte) (string, error) {
	check := &stun.Message{Raw: append([]byte{}, bytes...)}
	if err := check.Decode(); err != nil {
		return "", err
	}
	var username stun.Username
	if err := username.GetFrom(check); err != nil {
		return "", err
	}
	first, last, _ := strings.Cut(username.String(), ":")
	if first != last {
		return "", errors.New("the two parts of USERNAME differ")
	}
	return last, stun.NewShortTermIntegrity(last).Check(check)
}

func (s *server) start(c *client, peer string) error {
	settings := webrtc.SettingEngine{}
	settings.SetLite(true)
	settings.SetICECredentials(c.x, c.x)
	settings.SetICEUDPMux(c)
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
	channel, err := channelZero(pc)
	if err != nil {
		return err
	}
	channel.OnOpen(func() { fmt.Fprintf(os.Stderr, "connection %s open from %s\n", peer, peer) })
	channel.OnMessage(func(message webrtc.DataChannelMessage) {
		if message.IsString {
			err = channel.SendText(string(message.Data))
		} else {
			err = channel.Send(message.Data)
		}
	})
	channel.OnClose(func() {
		fmt.Fprintf(os.Stderr, "connection %s closed: channel closed\n", peer)
		s.mutex.Lock()
		delete(s.clients, peer)
		s.mutex.Unlock()
		go pc.Close()
	})
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer(c.x)}); err != nil {
		return err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	return pc.SetLocalDescription(answer)
}

func (s *server) take(bytes []byte, from net.Addr) {
	peer := from.String()
	s.mutex.Lock()
	c := s.clients[peer]
	s.mutex.Unlock()
	if c == nil {
		if len(bytes) == 0 || bytes[0] > 3 {
			return
		}
		x, err := xFrom(bytes)
		if err != nil {
			return
		}
		c = &client{socket: s.socket, x: x, arrived: make(chan datagram, kept), ended: make(chan struct{})}
		s.mutex.Lock()
		s.clients[peer] = c
		s.mutex.Unlock()
		if err := s.start(c, peer); err != nil {
			fmt.Fprintf(os.Stderr, "connection %s failed: %v\n", peer, err)
			return
		}
	}
	select {
	case c.arrived <- datagram{append([]byte{}, bytes...), from}:
	default:
	}
}

func runServer(listen string) error {
	address, err := net.ResolveUDPAddr("udp", listen)
	if err != nil {
		return err
	}
	socket, err := net.ListenUDP("udp", address)
	if err != nil {
		return err
	}
	_ = socket.SetReadBuffer(4 << 20)
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
	fmt.Printf("listening %s %s\n", socket.LocalAddr(), strings.ReplaceAll(fingerprints[0].Value, ":", ""))
	s := &server{socket: socket, certificate: certificate, clients: map[string]*client{}}
	buffer := make([]byte, datagramSize)
	for {
		n, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return err
		}
		s.take(buffer[:n], from)
	}
}
