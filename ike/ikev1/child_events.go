package ikev1

// A ChildEvent is something that happened to a Child: one of ChildActivate,
// ChildRemove, ChildCounted, Timer, and the effects of an SA that are about it:
// ChildReady, ChildUp, ChildFailed, ChildDeleted and ChildLife.
type ChildEvent interface{ isChildEvent() }

// ChildActivate asks for the tunnel to be up.
type ChildActivate struct{}

// ChildRemove ends the tunnel. Silent does not tell the peer, which knows or has
// forgotten.
type ChildRemove struct {
	Reason string
	Silent bool
}

// ChildCounted says how many bytes an SA has carried so far, in both directions
// together. The SPI is ours.
type ChildCounted struct {
	SPI   uint32
	Bytes uint64
}

// A ChildEffect is something that the owner of a Child shall do: one of
// ChildNegotiate, ChildInstall, ChildUse, ChildUninstall, ChildFarewell,
// ChildReport, ChildEnded and SetTimer. Effects are carried out in order.
type ChildEffect interface{ isChildEffect() }

// ChildNegotiate asks for a quick mode, under a phase 1 that there is or that has
// to be made. ChildUp or ChildFailed answers it.
type ChildNegotiate struct{}

// ChildInstall asks for an SA to receive. ChildCounted is to come when it has
// carried SoftBytes, and again at HardBytes; 0 is never.
type ChildInstall struct {
	SA                   *ChildSA
	SoftBytes, HardBytes uint64
}

// ChildUse asks for the tunnel's traffic to go out on an SA that was installed.
type ChildUse struct {
	SA *ChildSA
}

// ChildUninstall ends an SA that was installed; its keys are to be wiped.
type ChildUninstall struct {
	SA *ChildSA
}

// ChildFarewell asks for the peer to be told that SAs are no more, by
// DeleteChild, where there is a phase 1 to tell it under. The SPIs are ours.
type ChildFarewell struct {
	SPIs []ChildSPI
}

// ChildReport says that an SA came up: the first, or one that takes the place of
// another.
type ChildReport struct {
	SA    *ChildSA
	First bool
}

// ChildEnded says that there is no SA any more, or that none came of the
// negotiation, and none is asked for.
type ChildEnded struct {
	Err   error
	WasUp bool
}

func (ChildActivate) isChildEvent() {}
func (ChildRemove) isChildEvent()   {}
func (ChildCounted) isChildEvent()  {}
func (Timer) isChildEvent()         {}
func (ChildReady) isChildEvent()    {}
func (ChildUp) isChildEvent()       {}
func (ChildFailed) isChildEvent()   {}
func (ChildDeleted) isChildEvent()  {}
func (ChildLife) isChildEvent()     {}

func (ChildNegotiate) isChildEffect() {}
func (ChildInstall) isChildEffect()   {}
func (ChildUse) isChildEffect()       {}
func (ChildUninstall) isChildEffect() {}
func (ChildFarewell) isChildEffect()  {}
func (ChildReport) isChildEffect()    {}
func (ChildEnded) isChildEffect()     {}
func (SetTimer) isChildEffect()       {}
