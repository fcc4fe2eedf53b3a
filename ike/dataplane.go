package ike

import (
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
)

// A DataPlane protects packets by the SAs that the engine negotiates. The engine
// calls it from one goroutine, in the order in which things happen, and waits: no
// call blocks for longer than it takes to tell a kernel. Package iketest has one
// that only records.
//
// An SA is named by the SPI that its packets arrive with here: it serves AH and ESP
// alike and is used by no other SA of the machine.
type DataPlane interface {
	// Install lets packets arrive by an SA. Nothing goes out by it before Use.
	// An error ends the phase 2 tunnel. The keys are the engine's: they are
	// wiped when Remove has returned, so that whoever keeps them copies them.
	Install(DataSA) error
	// Use sends the tunnel's traffic by an SA that was installed, and by none
	// of those that it used before.
	Use(spi uint32) error
	// Remove ends an SA. Packets that arrive by it are dropped; traffic that
	// would go out by it, and by no other, is not sent in the clear.
	Remove(spi uint32) error
	// Trap asks for a DataAcquire when a packet wants to go out that only a
	// tunnel which is not up would carry. It holds until Close.
	Trap(DataTrap) error
	// Counters returns what an SA has carried so far.
	Counters(spi uint32) (DataCounters, error)
	// Events delivers what happens, until Close closes the channel.
	Events() <-chan DataEvent
	// Close ends all SAs and Events.
	Close() error
}

// A DataSA is an SA for the data plane, in both directions.
type DataSA struct {
	// Tunnel is the phase 2 tunnel's name, and Peer who is at its other end.
	Tunnel, Peer string
	// Local and Remote say which packets it carries.
	Local, Remote ikedb.Selector
	// SA has algorithms, SPIs, keys and addresses. Where it has two pairs, the
	// first is applied to a packet first on its way out.
	SA *ikev1.ChildSA
	// SoftBytes and HardBytes are numbers of bytes, of both directions together,
	// at which DataBytes shall tell; 0 is never.
	SoftBytes, HardBytes uint64
}

// A DataTrap is traffic that starts its tunnel.
type DataTrap struct {
	Tunnel        string
	Local, Remote ikedb.Selector
}

// DataCounters are what an SA has carried. Bytes are those of the packets that are
// protected, without what protects them.
type DataCounters struct {
	BytesIn    uint64 `json:"bytes_in"`
	BytesOut   uint64 `json:"bytes_out"`
	PacketsIn  uint64 `json:"packets_in"`
	PacketsOut uint64 `json:"packets_out"`
}

// A DataEvent is something that a data plane tells.
type DataEvent struct {
	Kind DataEventKind
	// SPI is that of the SA, Bytes what it has carried in all: for DataBytes.
	SPI   uint32
	Bytes uint64
	// Tunnel is that of a DataAcquire.
	Tunnel string
}

// A DataEventKind says what a DataEvent is about.
type DataEventKind int

// What a DataEvent is about.
const (
	// DataBytes says that an SA has carried its SoftBytes or HardBytes.
	DataBytes DataEventKind = iota + 1
	// DataAcquire says that a packet waits for a trapped tunnel.
	DataAcquire
)
